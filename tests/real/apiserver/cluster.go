// Package apiserver starts the control plane of Kubernetes without nodes, and delivers lanes to it.
package apiserver

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/hex"
	"encoding/pem"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"k8s.io/client-go/discovery"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"

	"graylane.dev/tests/real/lanes"
)

// controllers are those whose work a lane can get in the way of, or that clean up behind it. None of
// them needs nodes or a cloud.
// Source of the names: k8s.io/kubernetes, cmd/kube-controller-manager/names/controller_names.go.
var controllers = []string{
	"cronjob-controller",
	"daemonset-controller",
	"deployment-controller",
	"disruption-controller",
	"endpointslice-controller",
	"garbage-collector-controller",
	"horizontal-pod-autoscaler-controller",
	"job-controller",
	"namespace-controller",
	"replicaset-controller",
	"serviceaccount-controller",
	"statefulset-controller",
}

// cluster is an API server on the loopback interface with etcd and the controllers, for one test.
type cluster struct {
	config *rest.Config
	client *kubernetes.Clientset
}

// start runs the programs, ready for requests when it returns, until the test ends.
func start(t *testing.T) *cluster {
	t.Helper()
	dir := t.TempDir()
	ports := freePorts(t, 3)
	etcd := fmt.Sprintf("http://127.0.0.1:%d", ports[0])
	peer := fmt.Sprintf("http://127.0.0.1:%d", ports[1])
	run(t, dir, "etcd", "go.etcd.io/etcd/server/v3",
		"--data-dir="+filepath.Join(dir, "etcd"), "--unsafe-no-fsync", "--log-level=error",
		"--listen-client-urls="+etcd, "--advertise-client-urls="+etcd,
		"--listen-peer-urls="+peer, "--initial-advertise-peer-urls="+peer, "--initial-cluster=default="+peer)

	key := filepath.Join(dir, "service-account.key")
	writeKey(t, key)
	token := randomToken(t)
	tokens := filepath.Join(dir, "tokens.csv")
	write(t, tokens, []byte(token+",test,test,system:masters\n"))
	run(t, dir, "kube-apiserver", "k8s.io/kubernetes/cmd/kube-apiserver",
		"--etcd-servers="+etcd,
		"--bind-address=127.0.0.1", fmt.Sprintf("--secure-port=%d", ports[2]),
		"--cert-dir="+filepath.Join(dir, "certificates"),
		"--endpoint-reconciler-type=none", // it would publish the address of this machine
		"--service-cluster-ip-range=10.96.0.0/16",
		"--service-account-issuer=https://kubernetes.default.svc",
		"--service-account-key-file="+key, "--service-account-signing-key-file="+key,
		"--authorization-mode=RBAC", "--token-auth-file="+tokens)

	config := &rest.Config{
		Host:            fmt.Sprintf("https://127.0.0.1:%d", ports[2]),
		BearerToken:     token,
		TLSClientConfig: rest.TLSClientConfig{CAFile: filepath.Join(dir, "certificates", "apiserver.crt")},
		QPS:             -1, // no limit
	}
	waitFor(t, time.Minute, "the API server is ready", func(ctx context.Context) error {
		client, err := discovery.NewDiscoveryClientForConfig(config)
		if err != nil {
			return err
		}
		return client.RESTClient().Get().AbsPath("/readyz").Do(ctx).Error()
	})
	kubeconfig := filepath.Join(dir, "kubeconfig")
	writeKubeconfig(t, kubeconfig, config)
	run(t, dir, "kube-controller-manager", "k8s.io/kubernetes/cmd/kube-controller-manager",
		"--kubeconfig="+kubeconfig, "--controllers="+strings.Join(controllers, ","),
		"--service-account-private-key-file="+key, "--leader-elect=false", "--secure-port=0",
		"--horizontal-pod-autoscaler-sync-period=1s",
		"--kube-api-qps=500", "--kube-api-burst=1000")
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &cluster{config, client}
}

// run starts a tool of this module and stops it when the test ends. Its log is shown if the test fails.
func run(t *testing.T, dir, name, tool string, arguments ...string) {
	t.Helper()
	path := lanes.Tool(t, tool)
	log, err := os.Create(filepath.Join(dir, name+".log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.Command(path, arguments...)
	command.Dir, command.Stdout, command.Stderr = dir, log, log
	lanes.EndWithTest(command)
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		select {
		case err := <-ended:
			t.Errorf("%s ended by itself: %v", name, err)
		default:
			_ = command.Process.Kill()
			<-ended
		}
		if t.Failed() {
			text, _ := os.ReadFile(log.Name())
			lines := bytes.SplitAfter(text, []byte("\n"))
			t.Logf("the last lines of %s:\n%s", name, bytes.Join(lines[max(0, len(lines)-20):], nil))
		}
		_ = log.Close()
	})
}

// waitFor asks until there is no error, and ends the test when that takes too long.
func waitFor(t *testing.T, limit time.Duration, what string, ask func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return
		}
		select {
		case <-ctx.Done():
			t.Fatalf("%s: not within %v: %v", what, limit, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func freePorts(t *testing.T, count int) []int {
	t.Helper()
	ports := make([]int, count)
	for i := range ports {
		// All are held until the last is known, so that they differ.
		listener, err := net.Listen("tcp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = listener.Close() }()
		ports[i] = listener.Addr().(*net.TCPAddr).Port
	}
	return ports
}

func randomToken(t *testing.T) string {
	t.Helper()
	token := make([]byte, 16)
	if _, err := rand.Read(token); err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(token)
}

func writeKey(t *testing.T, path string) {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	block := &pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)}
	write(t, path, pem.EncodeToMemory(block))
}

func writeKubeconfig(t *testing.T, path string, config *rest.Config) {
	t.Helper()
	err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters: map[string]*clientcmdapi.Cluster{
			"test": {Server: config.Host, CertificateAuthority: config.CAFile},
		},
		AuthInfos:      map[string]*clientcmdapi.AuthInfo{"test": {Token: config.BearerToken}},
		Contexts:       map[string]*clientcmdapi.Context{"test": {Cluster: "test", AuthInfo: "test"}},
		CurrentContext: "test",
	}, path)
	if err != nil {
		t.Fatal(err)
	}
}

func write(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
