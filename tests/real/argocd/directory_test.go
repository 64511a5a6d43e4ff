package argocd

import (
	"os"
	"path/filepath"
	"reflect"
	"testing"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"

	"graylane.dev/tests/real/lanes"
)

func TestADirectoryGivesWhatRenderPrints(t *testing.T) {
	for _, example := range lanes.Examples(t) {
		t.Run(example, func(t *testing.T) {
			repository := lanes.Open(t, example)
			want := lanes.Objects(t, []byte(repository.Graylane("render")))
			repository.Graylane("generate")
			overlays := repository.Overlays()
			lanes.Compare(t, "the overlays", directories(t, repository, overlays), want)
			// Kustomizations are no objects; Argo CD has to pass over them.
			repository.Edit("graylane.yaml", "\nspec:\n", "\nspec:\n  output: {kustomization: true}\n")
			repository.Graylane("generate")
			if _, err := os.Stat(filepath.Join(overlays[0], "kustomization.yaml")); err != nil {
				t.Fatal(err)
			}
			lanes.Compare(t, "with kustomizations", directories(t, repository, overlays), want)
			repository.Graylane("cleanup")
			lanes.Compare(t, "what cleanup leaves", directories(t, repository, overlays), nil)
		})
	}
}

// directories are the objects of overlays that are delivered by an application each.
func directories(t *testing.T, repository *lanes.Repository, overlays []string) lanes.Set {
	t.Helper()
	all := lanes.Set{}
	for _, overlay := range overlays {
		source := source(t, "application.yaml")
		path, err := filepath.Rel(repository.Dir, overlay)
		if err != nil {
			t.Fatal(err)
		}
		source.Path = path
		objects, err := manifests(t, repository.Dir, source)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range objects {
			lanes.Add(t, all, object)
		}
	}
	return all
}

// The template of the set delivers a lane as the template of one application does.
func TestTheSetHasTheSameSource(t *testing.T) {
	var set v1alpha1.ApplicationSet
	read(t, "applicationset.yaml", &set)
	one := source(t, "application.yaml")
	each := set.Spec.Template.Spec.Source
	if each == nil || !reflect.DeepEqual(each.Directory, one.Directory) {
		t.Errorf("the source is %v, and %v for one application", each, one)
	}
}
