package lanes

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

// Key names an object within a repository.
type Key struct {
	Group, Kind, Namespace, Name string
}

func (k Key) String() string {
	return fmt.Sprintf("%s/%s", k.Kind, k.Name)
}

// KeyOf is the name of an object.
func KeyOf(object *unstructured.Unstructured) Key {
	kind := object.GroupVersionKind().GroupKind()
	return Key{kind.Group, kind.Kind, object.GetNamespace(), object.GetName()}
}

// Set is objects by their names.
type Set = map[Key]*unstructured.Unstructured

// Objects reads a stream of YAML documents as Kubernetes does. It ends the test at what is no object,
// and at an object that is there twice.
func Objects(t testing.TB, stream []byte) Set {
	t.Helper()
	objects := Set{}
	decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(stream), 4096)
	for {
		object := &unstructured.Unstructured{}
		err := decoder.Decode(&object.Object)
		if errors.Is(err, io.EOF) {
			return objects
		}
		if err != nil {
			t.Fatalf("%v in\n%s", err, stream)
		}
		if len(object.Object) == 0 {
			continue
		}
		Add(t, objects, object)
	}
}

// Add puts an object into a set that does not have it yet.
func Add(t testing.TB, objects Set, object *unstructured.Unstructured) {
	t.Helper()
	key := KeyOf(object)
	if object.GetAPIVersion() == "" || key.Kind == "" || key.Name == "" {
		t.Fatalf("this is no object: %v", object.Object)
	}
	if objects[key] != nil {
		t.Fatalf("%v is there twice", key)
	}
	objects[key] = object
}

// ReadObjects reads the objects of some files.
func ReadObjects(t testing.TB, files ...string) Set {
	t.Helper()
	objects := Set{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, object := range Objects(t, text) {
			Add(t, objects, object)
		}
	}
	return objects
}

// Compare tells the differences between two sets of objects.
func Compare(t testing.TB, what string, got, want Set) {
	t.Helper()
	for key, object := range want {
		if got[key] == nil {
			t.Errorf("%s: %v is missing", what, key)
			continue
		}
		is, _ := got[key].MarshalJSON()
		should, _ := object.MarshalJSON()
		if !bytes.Equal(is, should) {
			t.Errorf("%s: %v is\n%s\nand should be\n%s", what, key, is, should)
		}
	}
	for key := range got {
		if want[key] == nil {
			t.Errorf("%s: %v should not be there", what, key)
		}
	}
}
