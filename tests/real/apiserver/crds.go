package apiserver

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"graylane.dev/tests/real/lanes"

	// Their modules have the CRDs; the packages are small ones of these modules.
	_ "istio.io/api/annotation"
	_ "sigs.k8s.io/gateway-api/pkg/consts"
)

// customKind is a kind that no API server has by itself.
type customKind struct {
	group, version, kind, plural string
	source                       crdSource
}

// crdSource finds the CRD of a kind; nil where there is none at hand.
type crdSource func(t *testing.T, kind customKind) *unstructured.Unstructured

// customKinds are all that the examples have and graylane writes.
var customKinds = []customKind{
	{"apisix.apache.org", "v2", "ApisixRoute", "apisixroutes", outside},
	{"apisix.apache.org", "v2", "ApisixUpstream", "apisixupstreams", outside},
	{"gateway.networking.k8s.io", "v1", "GRPCRoute", "grpcroutes", gatewayAPI},
	{"gateway.networking.k8s.io", "v1", "Gateway", "gateways", gatewayAPI},
	{"gateway.networking.k8s.io", "v1", "GatewayClass", "gatewayclasses", gatewayAPI},
	{"gateway.networking.k8s.io", "v1", "HTTPRoute", "httproutes", gatewayAPI},
	{"gateway.networking.k8s.io", "v1beta1", "ReferenceGrant", "referencegrants", gatewayAPI},
	{"networking.istio.io", "v1", "DestinationRule", "destinationrules", istio},
	{"networking.istio.io", "v1", "VirtualService", "virtualservices", istio},
	{"rollouts.kruise.io", "v1beta1", "Rollout", "rollouts", outside},
	{"rollouts.kruise.io", "v1alpha1", "TrafficRouting", "trafficroutings", outside},
	{"traffic.opensergo.io", "v1alpha1", "TrafficLabelRule", "trafficlabelrules", ownSchema},
	{"traffic.opensergo.io", "v1alpha1", "TrafficRouter", "trafficrouters", outside},
	{"traffic.opensergo.io", "v1alpha1", "WorkloadLabelRule", "workloadlabelrules", ownSchema},
}

// crds are the CRDs of all custom kinds. Those that are not at hand take whatever they are given.
func crds(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	found := make([]*unstructured.Unstructured, len(customKinds))
	for i, kind := range customKinds {
		found[i] = kind.source(t, kind)
		if found[i] == nil {
			t.Logf("there is no CRD of %s at hand: its fields are not checked", kind.kind)
			found[i] = kind.withSchema(map[string]any{"type": "object", "x-kubernetes-preserve-unknown-fields": true})
		}
	}
	return found
}

// install creates the CRDs of all custom kinds, ready for objects when it returns.
func install(t *testing.T, cluster *cluster) {
	t.Helper()
	config := rest.CopyConfig(cluster.config)
	config.WarningHandler = rest.NoWarnings{} // they are for those who wrote the CRDs
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	resource := client.Resource(schema.GroupVersionResource{
		Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions",
	})
	all := crds(t)
	for _, crd := range all {
		if _, err := resource.Create(t.Context(), crd, metav1.CreateOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	for _, crd := range all {
		waitFor(t, time.Minute, crd.GetName()+" is served", func(ctx context.Context) error {
			found, err := resource.Get(ctx, crd.GetName(), metav1.GetOptions{})
			if err != nil {
				return err
			}
			conditions, _, err := unstructured.NestedSlice(found.Object, "status", "conditions")
			if err != nil {
				return err
			}
			for _, condition := range conditions {
				condition := condition.(map[string]any)
				if condition["type"] == "Established" && condition["status"] == "True" {
					return nil
				}
			}
			return fmt.Errorf("%v", conditions)
		})
	}
}

// outside takes CRDs from a directory beside the repository, where there is one: they are not the project's.
func outside(t *testing.T, kind customKind) *unstructured.Unstructured {
	t.Helper()
	file := filepath.Join(lanes.Root(t), "..", "shared", "data", "crds", kind.group+"_"+kind.plural+".yaml")
	if _, err := os.Stat(file); err != nil {
		return nil
	}
	return kind.in(t, file)
}

func gatewayAPI(t *testing.T, kind customKind) *unstructured.Unstructured {
	t.Helper()
	directory := filepath.Join(lanes.Module(t, "sigs.k8s.io/gateway-api"), "config", "crd", "standard")
	return kind.in(t, filepath.Join(directory, kind.group+"_"+kind.plural+".yaml"))
}

func istio(t *testing.T, kind customKind) *unstructured.Unstructured {
	t.Helper()
	return kind.in(t, filepath.Join(lanes.Module(t, "istio.io/api"), "kubernetes", "customresourcedefinitions.gen.yaml"))
}

// ownSchema makes a CRD of the schema that graylane has for kinds without CRD.
func ownSchema(t *testing.T, kind customKind) *unstructured.Unstructured {
	t.Helper()
	name := map[string]string{
		"TrafficLabelRule": "traffic-label-rule.json", "WorkloadLabelRule": "workload-label-rule.json",
	}[kind.kind]
	text, err := os.ReadFile(filepath.Join(lanes.Root(t), "templates", "opensergo", "schema", name))
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]any
	if err := json.Unmarshal(text, &object); err != nil {
		t.Fatal(err)
	}
	// The rest is about metadata, which the API server checks itself and CRDs must not describe.
	spec, _, err := unstructured.NestedFieldCopy(object, "properties", "spec")
	if err != nil || spec == nil {
		t.Fatalf("%s has no spec: %v", name, err)
	}
	return kind.withSchema(map[string]any{
		"type": "object", "required": []any{"spec"}, "properties": map[string]any{"spec": spec},
	})
}

// in finds the CRD of the kind in a file.
func (k customKind) in(t *testing.T, file string) *unstructured.Unstructured {
	t.Helper()
	for key, object := range lanes.ReadObjects(t, file) {
		if key.Kind == "CustomResourceDefinition" && key.Name == k.plural+"."+k.group {
			unstructured.RemoveNestedField(object.Object, "status")
			return object
		}
	}
	t.Fatalf("%s has no CRD of %s", file, k.kind)
	return nil
}

func (k customKind) withSchema(schema map[string]any) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1",
		"kind":       "CustomResourceDefinition",
		"metadata":   map[string]any{"name": k.plural + "." + k.group},
		"spec": map[string]any{
			"group": k.group,
			"names": map[string]any{
				"kind": k.kind, "plural": k.plural, "singular": strings.ToLower(k.kind), "listKind": k.kind + "List",
			},
			"scope": "Namespaced",
			"versions": []any{map[string]any{
				"name": k.version, "served": true, "storage": true,
				"schema": map[string]any{"openAPIV3Schema": schema},
			}},
		},
	}}
}
