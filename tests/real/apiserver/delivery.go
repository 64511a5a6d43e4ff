package apiserver

import (
	"cmp"
	"context"
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"

	"graylane.dev/tests/real/lanes"
)

// delivery brings objects to the cluster as GitOps tools do: by server-side apply under a name of its
// own, and by deleting what it applied once and has no longer. It never takes a field from another by force.
type delivery struct {
	dynamic   dynamic.Interface
	mapper    meta.RESTMapper
	manager   string
	namespace string // of the objects that name none
	warnings  *warnings
	applied   lanes.Set
	dryRun    bool // only ask
}

// warnings are what the API server says besides its answers.
type warnings struct {
	mutex sync.Mutex
	texts []string
}

func (w *warnings) HandleWarningHeader(_ int, _ string, text string) {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.texts = append(w.texts, text)
}

func deliverAs(t *testing.T, config *rest.Config, mapper meta.RESTMapper, manager, namespace string) *delivery {
	t.Helper()
	told := &warnings{}
	config = rest.CopyConfig(config)
	config.WarningHandler = told
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	return &delivery{dynamic: client, mapper: mapper, manager: manager, namespace: namespace, warnings: told, applied: lanes.Set{}}
}

// deliver applies the objects, wave by wave, then deletes what there is too much, the last wave first.
// A warning is an error, for it should not be there.
func (d *delivery) deliver(ctx context.Context, wanted lanes.Set) error {
	for _, object := range inWaves(wanted) {
		if err := d.apply(ctx, object); err != nil {
			return err
		}
	}
	applied := inWaves(d.applied)
	slices.Reverse(applied)
	for _, object := range applied {
		key := lanes.KeyOf(object)
		if wanted[key] != nil {
			continue
		}
		resource, err := d.resource(object)
		if err != nil {
			return err
		}
		background := metav1.DeletePropagationBackground
		err = resource.Delete(ctx, key.Name, metav1.DeleteOptions{PropagationPolicy: &background})
		if err != nil {
			return fmt.Errorf("%v cannot be deleted: %w", key, err)
		}
		delete(d.applied, key)
	}
	return nil
}

// apply applies one object. An object that is applied already must not change by that.
func (d *delivery) apply(ctx context.Context, object *unstructured.Unstructured) error {
	key := lanes.KeyOf(object)
	resource, err := d.resource(object)
	if err != nil {
		return err
	}
	before, err := resource.Get(ctx, key.Name, metav1.GetOptions{})
	if err != nil && !apierrors.IsNotFound(err) {
		return err
	}
	if err == nil && d.applied[key] == nil {
		return fmt.Errorf("%s would take %v from whoever made it", d.manager, key)
	}
	body, err := object.MarshalJSON()
	if err != nil {
		return err
	}
	options := metav1.PatchOptions{FieldManager: d.manager, FieldValidation: metav1.FieldValidationStrict}
	if d.dryRun {
		options.DryRun = []string{metav1.DryRunAll}
	}
	after, err := resource.Patch(ctx, key.Name, types.ApplyPatchType, body, options)
	if err != nil {
		return fmt.Errorf("%v is refused: %w", key, err)
	}
	d.warnings.mutex.Lock()
	defer d.warnings.mutex.Unlock()
	if len(d.warnings.texts) > 0 {
		return fmt.Errorf("%v is warned of: %s", key, strings.Join(d.warnings.texts, "; "))
	}
	if reflect.DeepEqual(d.applied[key], object) && !reflect.DeepEqual(before.Object["spec"], after.Object["spec"]) {
		return fmt.Errorf("%v is not what was applied before:\n%v\n%v", key, before.Object["spec"], after.Object["spec"])
	}
	d.applied[key] = object
	return nil
}

func (d *delivery) resource(object *unstructured.Unstructured) (dynamic.ResourceInterface, error) {
	kind := object.GroupVersionKind()
	mapping, err := d.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if err != nil {
		return nil, err
	}
	if mapping.Scope.Name() == meta.RESTScopeNameRoot {
		return d.dynamic.Resource(mapping.Resource), nil
	}
	return d.dynamic.Resource(mapping.Resource).Namespace(cmp.Or(object.GetNamespace(), d.namespace)), nil
}

// has says whether an object of this kind and name was applied and not deleted.
func (d *delivery) has(kind, name string) bool {
	for key := range d.applied {
		if key.Kind == kind && key.Name == name {
			return true
		}
	}
	return false
}

// inWaves sorts objects as Argo CD would: by their sync wave.
func inWaves(set lanes.Set) []*unstructured.Unstructured {
	var sorted []*unstructured.Unstructured
	for _, object := range set {
		sorted = append(sorted, object)
	}
	wave := func(object *unstructured.Unstructured) int {
		number, _ := strconv.Atoi(object.GetAnnotations()["argocd.argoproj.io/sync-wave"])
		return number
	}
	slices.SortFunc(sorted, func(a, b *unstructured.Unstructured) int {
		return cmp.Or(cmp.Compare(wave(a), wave(b)), cmp.Compare(lanes.KeyOf(a).String(), lanes.KeyOf(b).String()))
	})
	return sorted
}
