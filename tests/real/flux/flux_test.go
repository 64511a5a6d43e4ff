// Package flux reads overlays as Flux does: with the generator of its Kustomizations and kustomize.
package flux

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	kustomizev1 "github.com/fluxcd/kustomize-controller/api/v1"
	"github.com/fluxcd/pkg/kustomize"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"graylane.dev/tests/real/lanes"
)

// build returns what Flux would apply of a path in a repository, as kustomize-controller does it.
func build(t *testing.T, root, path string, spec kustomizev1.KustomizationSpec) lanes.Set {
	t.Helper()
	object, err := runtime.DefaultUnstructuredConverter.ToUnstructured(&kustomizev1.Kustomization{Spec: spec})
	if err != nil {
		t.Fatal(err)
	}
	generator := kustomize.NewGeneratorWithIgnore(root, "", unstructured.Unstructured{Object: object})
	action, err := generator.WriteFile(path, kustomize.WithSaveOriginalKustomization())
	if err != nil {
		t.Fatalf("the generator refuses %s: %v", path, err)
	}
	_, err = os.Stat(filepath.Join(path, "kustomization.yaml.original"))
	if own := err == nil; own != (action == kustomize.UnchangedAction) {
		t.Errorf("the generator says %q of %s", action, path)
	}
	built, err := kustomize.SecureBuild(root, path, false)
	if err != nil {
		t.Fatalf("kustomize cannot build %s: %v", path, err)
	}
	if err := kustomize.CleanDirectory(path, action); err != nil {
		t.Fatal(err)
	}
	text, err := built.AsYaml()
	if err != nil {
		t.Fatal(err)
	}
	return lanes.Objects(t, text)
}

// read returns the objects of the manifests in a directory.
func read(t *testing.T, repository *lanes.Repository, path string) lanes.Set {
	t.Helper()
	return lanes.ReadObjects(t, lanes.Manifests(t, path)...)
}

// parts are what of an overlay Flux can be pointed at: the whole, and each directory in it that holds manifests or did.
func parts(t *testing.T, overlay string) []string {
	t.Helper()
	paths := []string{overlay}
	entries, err := os.ReadDir(overlay)
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if entry.IsDir() {
			paths = append(paths, filepath.Join(overlay, entry.Name()))
		}
	}
	return paths
}

func addAll(t *testing.T, to, objects lanes.Set) {
	t.Helper()
	for _, object := range objects {
		lanes.Add(t, to, object)
	}
}

func TestFluxAppliesWhatRenderPrints(t *testing.T) {
	for _, example := range lanes.Examples(t) {
		t.Run(example, func(t *testing.T) {
			repository := lanes.Open(t, example)
			repository.Graylane("generate")
			everything := lanes.Set{}
			for _, overlay := range repository.Overlays() {
				whole := build(t, repository.Dir, overlay, kustomizev1.KustomizationSpec{})
				lanes.Compare(t, overlay, whole, read(t, repository, overlay))
				byParts := lanes.Set{}
				for _, path := range parts(t, overlay)[1:] {
					built := build(t, repository.Dir, path, kustomizev1.KustomizationSpec{})
					lanes.Compare(t, path, built, read(t, repository, path))
					addAll(t, byParts, built)
				}
				lanes.Compare(t, "the directories of "+overlay, byParts, whole)
				addAll(t, everything, whole)
			}
			if len(everything) == 0 {
				t.Fatal("the lane has no objects")
			}
			lanes.Compare(t, "render", everything, lanes.Objects(t, []byte(repository.Graylane("render"))))
		})
	}
}

// Flux prunes what a path has no longer, but nothing where the path is missing or cannot be built.
func TestFluxPrunesWhatCleanupRemoves(t *testing.T) {
	for _, example := range lanes.Examples(t) {
		t.Run(example, func(t *testing.T) {
			repository := lanes.Open(t, example)
			repository.Graylane("generate")
			var paths []string
			for _, overlay := range repository.Overlays() {
				paths = append(paths, parts(t, overlay)...)
			}
			repository.Graylane("cleanup", "--drain")
			for _, path := range paths {
				built := build(t, repository.Dir, path, kustomizev1.KustomizationSpec{})
				lanes.Compare(t, path, built, read(t, repository, path))
				for key := range built {
					if strings.HasSuffix(key.Kind, "Ingress") {
						t.Errorf("%v is still there", key)
					}
				}
			}
			repository.Graylane("cleanup")
			for _, path := range paths {
				lanes.Compare(t, path, build(t, repository.Dir, path, kustomizev1.KustomizationSpec{}), nil)
			}
		})
	}
}
