package flux

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"sigs.k8s.io/yaml"

	"graylane.dev/tests/real/lanes"
)

// readKustomizations reads what `init --flux` wrote for the spec of a repository: the Kustomizations of
// the workloads and of the entry. It refuses fields that Flux does not know.
func readKustomizations(t *testing.T, repository *lanes.Repository) []kustomizev1.Kustomization {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(repository.Dir, "flux", "*.yaml"))
	if err != nil || len(files) != 1 {
		t.Fatalf("there are %v: %v", files, err)
	}
	text, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	var all []kustomizev1.Kustomization
	for _, document := range strings.Split(string(text), "\n---\n") {
		var one kustomizev1.Kustomization
		if err := yaml.UnmarshalStrict([]byte(document), &one); err != nil {
			t.Fatalf("%v in\n%s", err, document)
		}
		if one.Kind != kustomizev1.KustomizationKind || one.APIVersion != kustomizev1.GroupVersion.String() {
			t.Fatalf("this is no Kustomization of Flux:\n%s", document)
		}
		all = append(all, one)
	}
	return all
}

func TestFluxReadsTheKustomizationsThatGraylaneWrites(t *testing.T) {
	for _, example := range lanes.Examples(t) {
		t.Run(example, func(t *testing.T) {
			repository := lanes.Open(t, example)
			repository.Edit("graylane.yaml", "\nspec:\n", "\nspec:\n  delivery: {engine: flux}\n  output: {kustomization: true}\n")
			repository.Graylane("generate")
			want := lanes.Objects(t, []byte(repository.Graylane("render")))
			arguments := []string{"init", "--flux"}
			if !nameNamespaces(want) {
				want = inNamespace(t, want, "production")
				arguments = append(arguments, "--target-namespace", "production")
			}
			repository.Graylane(arguments...)
			kustomizations := readKustomizations(t, repository)
			got := lanes.Set{}
			for i, one := range kustomizations {
				// Neither traffic before pods, nor anything left behind.
				if ready := one.Spec.Wait && one.Spec.Timeout != nil; i == 0 && !ready || !one.Spec.Prune {
					t.Errorf("%s neither waits nor prunes as it should: %+v", one.Name, one.Spec)
				}
				if i > 0 && (len(one.Spec.DependsOn) != 1 || one.Spec.DependsOn[0].Name != kustomizations[0].Name) {
					t.Errorf("%s depends on %v", one.Name, one.Spec.DependsOn)
				}
				path := filepath.Join(repository.Dir, one.Spec.Path)
				if _, err := os.Stat(filepath.Join(path, "kustomization.yaml")); err != nil {
					t.Error(err)
				}
				addAll(t, got, build(t, repository.Dir, path, one.Spec))
			}
			// What lanes share has a directory of its own, which is delivered once.
			for _, overlay := range repository.Overlays() {
				if _, err := os.Stat(filepath.Join(overlay, "workloads")); os.IsNotExist(err) {
					addAll(t, got, build(t, repository.Dir, overlay, kustomizev1.KustomizationSpec{}))
				}
			}
			lanes.Compare(t, "the Kustomizations", got, want)

			repository.Graylane("cleanup", "--drain")
			repository.Graylane("cleanup")
			for _, one := range kustomizations {
				path := filepath.Join(repository.Dir, one.Spec.Path)
				lanes.Compare(t, one.Name, build(t, repository.Dir, path, one.Spec), nil)
			}
		})
	}
}

// inNamespace puts objects into a namespace, as Flux does it.
func inNamespace(t *testing.T, objects lanes.Set, namespace string) lanes.Set {
	t.Helper()
	moved := lanes.Set{}
	for _, object := range objects {
		object = object.DeepCopy()
		object.SetNamespace(namespace)
		lanes.Add(t, moved, object)
	}
	return moved
}

// nameNamespaces says whether any of the objects names a namespace.
func nameNamespaces(objects lanes.Set) bool {
	for key := range objects {
		if key.Namespace != "" {
			return true
		}
	}
	return false
}
