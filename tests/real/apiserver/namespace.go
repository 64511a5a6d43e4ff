package apiserver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	policyv1 "k8s.io/api/policy/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// state is what controllers have made of the objects of a namespace.
type state struct {
	scalers  []autoscalingv2.HorizontalPodAutoscaler
	budgets  []policyv1.PodDisruptionBudget
	pods     []corev1.Pod
	services []corev1.Service
	// endpoints are the names of the pods behind each Service, sorted.
	endpoints map[string][]string
	// owners are the Deployments of the pods, by the pods' names.
	owners map[string]string
}

// observe reads the state of a namespace, or says what the controllers have still to do there.
func observe(ctx context.Context, cluster *cluster, namespace string) (*state, error) {
	all := metav1.ListOptions{}
	apps := cluster.client.AppsV1()
	deployments, err := apps.Deployments(namespace).List(ctx, all)
	if err != nil {
		return nil, err
	}
	for _, deployment := range deployments.Items {
		is, wanted := deployment.Status, *deployment.Spec.Replicas
		if is.ObservedGeneration < deployment.Generation || is.Replicas != wanted || is.UpdatedReplicas != wanted ||
			is.AvailableReplicas != wanted {
			return nil, fmt.Errorf("deployment %s: %d of %d replicas", deployment.Name, is.AvailableReplicas, wanted)
		}
	}
	sets, err := apps.ReplicaSets(namespace).List(ctx, all)
	if err != nil {
		return nil, err
	}
	pods, err := cluster.client.CoreV1().Pods(namespace).List(ctx, all)
	if err != nil {
		return nil, err
	}
	services, err := cluster.client.CoreV1().Services(namespace).List(ctx, all)
	if err != nil {
		return nil, err
	}
	parts, err := cluster.client.DiscoveryV1().EndpointSlices(namespace).List(ctx, all)
	if err != nil {
		return nil, err
	}
	budgets, err := cluster.client.PolicyV1().PodDisruptionBudgets(namespace).List(ctx, all)
	if err != nil {
		return nil, err
	}
	scalers, err := cluster.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).List(ctx, all)
	if err != nil {
		return nil, err
	}
	now := &state{
		scalers: scalers.Items, budgets: budgets.Items, pods: pods.Items, services: services.Items,
		endpoints: endpoints(parts.Items), owners: owners(pods.Items, sets.Items),
	}
	return now, now.settled()
}

// settled says what the controllers of endpoints, budgets and autoscalers have still to do.
func (s *state) settled() error {
	for _, pod := range s.pods {
		if pod.DeletionTimestamp != nil || pod.Status.PodIP == "" {
			return fmt.Errorf("pod %s is %s", pod.Name, pod.Status.Phase)
		}
	}
	for _, service := range s.services {
		if len(service.Spec.Selector) == 0 {
			continue
		}
		selected := s.selected(labels.SelectorFromSet(service.Spec.Selector))
		if is := s.endpoints[service.Name]; !slices.Equal(is, selected) {
			return fmt.Errorf("service %s has the endpoints %v and selects %v", service.Name, is, selected)
		}
	}
	for _, budget := range s.budgets {
		selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector)
		if err != nil {
			return err
		}
		selected := s.selected(selector)
		if int(budget.Status.ExpectedPods) != len(selected) || budget.Status.ObservedGeneration < budget.Generation {
			return fmt.Errorf("budget %s counts %d pods and selects %v", budget.Name, budget.Status.ExpectedPods, selected)
		}
	}
	for _, scaler := range s.scalers {
		// Without metrics it scales to the bounds and reports that it cannot do more.
		if len(scaler.Status.Conditions) == 0 {
			return fmt.Errorf("autoscaler %s was not looked at", scaler.Name)
		}
	}
	return nil
}

// selected are the names of the pods that a selector selects, sorted.
func (s *state) selected(selector labels.Selector) []string {
	var names []string
	for _, pod := range s.pods {
		if selector.Matches(labels.Set(pod.Labels)) {
			names = append(names, pod.Name)
		}
	}
	slices.Sort(names)
	return names
}

// leaks are the places where lanes and baseline are not apart: a Service or budget of the one has a pod of
// the other, or nothing to lead to. side tells whose an object is, by kind and name.
func (s *state) leaks(side func(kind, name string) string) []string {
	var leaks []string
	apart := func(kind, name string, pods []string) {
		for _, pod := range pods {
			if owner := s.owners[pod]; side("Deployment", owner) != side(kind, name) {
				leaks = append(leaks, fmt.Sprintf("%s %s has a pod of Deployment %s", kind, name, owner))
			}
		}
	}
	for _, service := range s.services {
		apart("Service", service.Name, s.endpoints[service.Name])
		if len(service.Spec.Selector) > 0 && len(s.endpoints[service.Name]) == 0 {
			leaks = append(leaks, fmt.Sprintf("Service %s has no endpoints", service.Name))
		}
	}
	for _, budget := range s.budgets {
		if selector, err := metav1.LabelSelectorAsSelector(budget.Spec.Selector); err == nil {
			apart("PodDisruptionBudget", budget.Name, s.selected(selector))
		}
	}
	return leaks
}

func endpoints(all []discoveryv1.EndpointSlice) map[string][]string {
	pods := map[string][]string{}
	for _, slice := range all {
		service := slice.Labels[discoveryv1.LabelServiceName]
		for _, endpoint := range slice.Endpoints {
			if endpoint.TargetRef != nil && endpoint.Conditions.Ready != nil && *endpoint.Conditions.Ready {
				pods[service] = append(pods[service], endpoint.TargetRef.Name)
			}
		}
	}
	for _, names := range pods {
		slices.Sort(names)
	}
	return pods
}

func owners(pods []corev1.Pod, sets []appsv1.ReplicaSet) map[string]string {
	deployments := map[string]string{}
	for _, set := range sets {
		if owner := metav1.GetControllerOf(&set); owner != nil {
			deployments[set.Name] = owner.Name
		}
	}
	owners := map[string]string{}
	for _, pod := range pods {
		if owner := metav1.GetControllerOf(&pod); owner != nil {
			owners[pod.Name] = deployments[owner.Name]
		}
	}
	return owners
}

// inventory has the UID of everything in a namespace, by kind and name.
func inventory(ctx context.Context, config *rest.Config, namespace string) (map[string]string, error) {
	config = rest.CopyConfig(config)
	config.WarningHandler = rest.NoWarnings{}
	kinds, err := discovery.NewDiscoveryClientForConfig(config)
	if err != nil {
		return nil, err
	}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	lists, err := kinds.ServerPreferredNamespacedResources()
	if err != nil {
		return nil, err
	}
	found := map[string]string{}
	for _, list := range lists {
		version, err := schema.ParseGroupVersion(list.GroupVersion)
		if err != nil {
			return nil, err
		}
		for _, kind := range list.APIResources {
			// Events tell what happened; they go by themselves.
			if kind.Kind == "Event" || !slices.Contains(kind.Verbs, "list") || strings.Contains(kind.Name, "/") {
				continue
			}
			objects, err := client.Resource(version.WithResource(kind.Name)).Namespace(namespace).
				List(ctx, metav1.ListOptions{})
			if err != nil {
				return nil, fmt.Errorf("%s: %w", kind.Name, err)
			}
			for _, object := range objects.Items {
				found[kind.Kind+"/"+object.GetName()] = string(object.GetUID())
			}
		}
	}
	return found, nil
}
