package apiserver

import (
	"context"
	"fmt"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

const node = "node"

// runPods does for pods what a scheduler and a kubelet would, but runs nothing: pods get a node and an
// address and are ready at once, and they are gone at once when they are deleted.
func runPods(t *testing.T, cluster *cluster) {
	t.Helper()
	nodes := cluster.client.CoreV1().Nodes()
	_, err := nodes.Create(t.Context(), &corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: node}}, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	// The API server gives new nodes the taint `not-ready`, which DaemonSets and others respect.
	patch := []byte(`[{"op": "remove", "path": "/spec/taints"}]`)
	_, err = nodes.Patch(t.Context(), node, types.JSONPatchType, patch, metav1.PatchOptions{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- keepRunning(ctx, cluster.client) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil && t.Failed() {
			t.Logf("the pods were last run with %v", err)
		}
	})
}

// keepRunning looks after all pods until the context ends. What fails is tried again; the last failure is returned.
func keepRunning(ctx context.Context, client kubernetes.Interface) (last error) {
	for address := 0; ctx.Err() == nil; time.Sleep(100 * time.Millisecond) {
		pods, err := client.CoreV1().Pods("").List(ctx, metav1.ListOptions{})
		if err != nil {
			last = err
			continue
		}
		for i := range pods.Items {
			if err := runPod(ctx, client, &pods.Items[i], address); err != nil && !apierrors.IsNotFound(err) {
				last = err
			}
			address++
		}
	}
	return last
}

func runPod(ctx context.Context, client kubernetes.Interface, pod *corev1.Pod, address int) error {
	pods := client.CoreV1().Pods(pod.Namespace)
	switch {
	case pod.DeletionTimestamp != nil:
		now := int64(0)
		uid := pod.UID
		return pods.Delete(ctx, pod.Name, metav1.DeleteOptions{
			GracePeriodSeconds: &now, Preconditions: &metav1.Preconditions{UID: &uid},
		})
	case pod.Spec.NodeName == "":
		return pods.Bind(ctx, &corev1.Binding{
			ObjectMeta: metav1.ObjectMeta{Name: pod.Name, UID: pod.UID},
			Target:     corev1.ObjectReference{Kind: "Node", Name: node},
		}, metav1.CreateOptions{})
	case pod.Status.Phase == corev1.PodPending:
		ip := fmt.Sprintf("10.%d.%d.%d", 1+address>>16&63, address>>8&255, address&255)
		pod.Status.Phase = corev1.PodRunning
		pod.Status.PodIP, pod.Status.PodIPs = ip, []corev1.PodIP{{IP: ip}}
		now := metav1.Now()
		pod.Status.StartTime = &now
		pod.Status.Conditions = []corev1.PodCondition{
			{Type: corev1.PodScheduled, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: corev1.PodInitialized, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: corev1.ContainersReady, Status: corev1.ConditionTrue, LastTransitionTime: now},
			{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: now},
		}
		_, err := pods.UpdateStatus(ctx, pod, metav1.UpdateOptions{})
		return err
	}
	return nil
}
