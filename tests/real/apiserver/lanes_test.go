package apiserver

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/restmapper"

	"graylane.dev/tests/real/lanes"
)

// patience is for the controllers on a busy machine; they mostly take a second.
const patience = 2 * time.Minute

func TestLanesOnAnAPIServer(t *testing.T) {
	cluster := start(t)
	runPods(t, cluster)
	install(t, cluster)
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(cluster.client.Discovery()))

	// A group, so that the cluster is there until the last of its parallel tests has ended.
	t.Run("group", func(t *testing.T) {
		for _, scenario := range scenarios(t) {
			t.Run(scenario.name, func(t *testing.T) {
				t.Parallel()
				scenario.run(t, cluster, mapper)
			})
		}
		t.Run("cases", func(t *testing.T) {
			t.Parallel()
			acceptCases(t, cluster, mapper)
		})
		t.Run("leak", func(t *testing.T) {
			t.Parallel()
			seeLeak(t, cluster, mapper)
		})
	})
}

// scenario is the life of the lanes of an example.
type scenario struct {
	name, example string
	// prepare changes the repository before any lane is made.
	prepare func(*lanes.Repository)
	specs   []string
}

// scenarios are all examples as they are, and what none of them shows.
func scenarios(t *testing.T) []scenario {
	var all []scenario
	for _, example := range lanes.Examples(t) {
		all = append(all, scenario{example, example, func(*lanes.Repository) {}, []string{"graylane.yaml"}})
	}
	second := func(repository *lanes.Repository) {
		repository.Copy("graylane.yaml", "second.yaml")
		repository.Edit("second.yaml", "tag: gray", "tag: pr-7")
		repository.Edit("second.yaml", `exact: "100"`, `exact: "200"`)
	}
	return append(all,
		scenario{"relabel", "mse-demo", func(repository *lanes.Repository) {
			repository.Edit("graylane.yaml", "tag: gray", "tag: gray\n  isolation: relabel")
		}, []string{"graylane.yaml"}},
		scenario{"scaled", "online-boutique", func(repository *lanes.Repository) {
			repository.Edit("graylane.yaml", "    - name: frontend\n", "    - name: frontend\n"+
				"      policies: {HorizontalPodAutoscaler: copy, PodDisruptionBudget: copy}\n")
		}, []string{"graylane.yaml"}},
		scenario{"two-lanes", "mse-demo", second, []string{"graylane.yaml", "second.yaml"}},
		scenario{"two-lanes-in-a-mesh", "istio", func(repository *lanes.Repository) {
			second(repository)
			for _, service := range []string{"frontend", "orders", "stock"} {
				repository.Edit("deploy/"+service+".yaml", "namespace: shop", "namespace: market")
			}
			repository.Edit("deploy/stock.yaml", "    - name: stock\n      timeout", "    - name: lane-pr-7\n"+
				"      match: [{headers: {x-mse-tag: {exact: pr-7}}}]\n      delegate: {name: stock-pr-7}\n"+
				"    - name: stock\n      timeout")
		}, []string{"graylane.yaml", "second.yaml"}},
	)
}

// run delivers the baseline, then the lanes, each overlay by itself, then what `cleanup` leaves of them.
func (s scenario) run(t *testing.T, cluster *cluster, mapper meta.RESTMapper) {
	repository := lanes.Open(t, s.example)
	s.prepare(repository)
	baseline := lanes.ReadObjects(t, lanes.Manifests(t, filepath.Join(repository.Dir, "deploy"))...)
	if len(baseline) == 0 {
		t.Log("its baseline is no manifest before another program has rendered it: the lane is delivered alone")
	}
	repository.Graylane(append([]string{"generate"}, s.specs...)...)
	overlays := repository.Overlays()
	namespace := newNamespace(t, cluster, "example-"+s.name, baseline, manifests(t, repository, overlays...))
	production := deliverAs(t, cluster.config, mapper, "baseline", namespace)
	deliverTwice(t, cluster, production, namespace, baseline)
	before := waitUntilSettled(t, cluster, namespace)
	inventoryBefore, err := inventory(t.Context(), cluster.config, namespace)
	if err != nil {
		t.Fatal(err)
	}

	deliveries := map[string]*delivery{}
	for _, overlay := range overlays {
		name, _ := filepath.Rel(repository.Dir, overlay)
		deliveries[overlay] = deliverAs(t, cluster.config, mapper, name, namespace)
		deliverTwice(t, cluster, deliveries[overlay], namespace, manifests(t, repository, overlay))
	}
	deliverAll := func() *state {
		for _, overlay := range overlays {
			deliver(t, deliveries[overlay], manifests(t, repository, overlay))
		}
		// Whatever controllers and other overlays did meanwhile: the baseline has lost no field to them.
		deliver(t, production, baseline)
		now := waitUntilSettled(t, cluster, namespace)
		for _, leak := range now.leaks(owner(deliveries)) {
			t.Error(leak)
		}
		sameEndpoints(t, before, now)
		return now
	}
	for _, spec := range s.specs {
		during := deliverAll()
		repository.Graylane("cleanup", "--drain", spec)
		// Nothing is sent to the lane any more, but it takes what is on its way.
		sameEndpoints(t, during, deliverAll())
		repository.Graylane("cleanup", spec)
	}
	deliverAll()
	if left := manifests(t, repository, overlays...); len(left) > 0 {
		t.Errorf("cleanup leaves %v", slices.Collect(maps.Keys(left)))
	}
	waitFor(t, patience, "all is as it was before the lane", func(ctx context.Context) error {
		now, err := inventory(ctx, cluster.config, namespace)
		if err == nil && !maps.Equal(now, inventoryBefore) {
			err = fmt.Errorf("there is %v\ninstead of %v", now, inventoryBefore)
		}
		return err
	})
}

// sameEndpoints compares the pods behind the Services that were there before.
func sameEndpoints(t *testing.T, before, now *state) {
	t.Helper()
	for service, pods := range before.endpoints {
		if !slices.Equal(pods, now.endpoints[service]) {
			t.Errorf("Service %s leads to %v, and led to %v", service, now.endpoints[service], pods)
		}
	}
}

// owner tells who delivered an object: an overlay, or "" for the baseline.
func owner(deliveries map[string]*delivery) func(kind, name string) string {
	return func(kind, name string) string {
		for _, delivery := range deliveries {
			if delivery.has(kind, name) {
				return delivery.manager
			}
		}
		return ""
	}
}

// seeLeak makes a lane whose pods the baseline's Services select: if that is not seen, nothing is.
func seeLeak(t *testing.T, cluster *cluster, mapper meta.RESTMapper) {
	repository := lanes.Open(t, "mse-demo")
	baseline := lanes.ReadObjects(t, lanes.Manifests(t, filepath.Join(repository.Dir, "deploy"))...)
	namespace := newNamespace(t, cluster, "example-leak", baseline)
	deliver(t, deliverAs(t, cluster.config, mapper, "baseline", namespace), baseline)
	leaking := strings.ReplaceAll(repository.Graylane("render"), "zadigx-release-version: gray", "zadigx-release-version: original")
	lane := deliverAs(t, cluster.config, mapper, "lane", namespace)
	deliver(t, lane, lanes.Objects(t, []byte(leaking)))
	leaks := waitUntilSettled(t, cluster, namespace).leaks(owner(map[string]*delivery{"": lane}))
	wanted := "Service spring-cloud-a-base has a pod of Deployment spring-cloud-a-mse-gray"
	if !slices.Contains(leaks, wanted) {
		t.Errorf("%q is not among the leaks %q", wanted, leaks)
	}
}

// newNamespace creates the namespace that objects name, or one of this name where they name none.
func newNamespace(t *testing.T, cluster *cluster, name string, sets ...lanes.Set) string {
	t.Helper()
	for _, set := range sets {
		for key := range set {
			if key.Namespace != "" {
				name = key.Namespace
			}
		}
	}
	namespace := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}
	if _, err := cluster.client.CoreV1().Namespaces().Create(t.Context(), namespace, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, patience, "the service account of "+name, func(ctx context.Context) error {
		_, err := cluster.client.CoreV1().ServiceAccounts(name).Get(ctx, "default", metav1.GetOptions{})
		return err
	})
	return name
}

func manifests(t *testing.T, repository *lanes.Repository, directories ...string) lanes.Set {
	t.Helper()
	var files []string
	for _, directory := range directories {
		files = append(files, lanes.Manifests(t, directory)...)
	}
	return lanes.ReadObjects(t, files...)
}

func deliver(t *testing.T, delivery *delivery, wanted lanes.Set) {
	t.Helper()
	if err := delivery.deliver(t.Context(), wanted); err != nil {
		t.Fatal(err)
	}
}

// deliverTwice applies objects, and once more when the controllers have done their work.
func deliverTwice(t *testing.T, cluster *cluster, delivery *delivery, namespace string, wanted lanes.Set) {
	t.Helper()
	deliver(t, delivery, wanted)
	waitUntilSettled(t, cluster, namespace)
	deliver(t, delivery, wanted)
}

func waitUntilSettled(t *testing.T, cluster *cluster, namespace string) *state {
	t.Helper()
	var settled *state
	waitFor(t, patience, "the controllers are done in "+namespace, func(ctx context.Context) (err error) {
		settled, err = observe(ctx, cluster, namespace)
		return err
	})
	return settled
}
