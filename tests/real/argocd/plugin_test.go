package argocd

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	"github.com/argoproj/argo-cd/v3/util/cmp"
	"google.golang.org/protobuf/types/known/emptypb"

	"graylane.dev/tests/real/lanes"
)

// plugin is a source that names the plugin, and nothing else.
func plugin(t *testing.T, path string) v1alpha1.ApplicationSource {
	t.Helper()
	source := source(t, "plugin-application.yaml")
	source.Path, source.Plugin.Parameters = path, nil
	return source
}

func TestThePluginGivesWhatRenderPrints(t *testing.T) {
	serve(t)
	for _, example := range lanes.Examples(t) {
		t.Run(example, func(t *testing.T) {
			repository := lanes.Open(t, example)
			want := lanes.Objects(t, []byte(repository.Graylane("render")))
			if len(want) == 0 {
				t.Fatal("the lane has no objects")
			}
			for what, excluded := range map[string][]string{"with .git": nil, "without .git": {".git", ".git/*"}} {
				got, err := manifests(t, repository.Dir, plugin(t, "."), excluded...)
				if err != nil {
					t.Fatalf("%s: %v", what, err)
				}
				lanes.Compare(t, what, got, want)
			}
		})
	}
}

func TestThePluginRunsInADirectoryOfTheRepository(t *testing.T) {
	serve(t)
	repository := lanes.Open(t, "mse-demo")
	if err := os.MkdirAll(filepath.Join(repository.Dir, "teams", "a"), 0o700); err != nil {
		t.Fatal(err)
	}
	repository.Copy("graylane.yaml", "teams/a/graylane.yaml")
	repository.Edit("teams/a/graylane.yaml", "[deploy]", "[../../deploy]")
	got, err := manifests(t, repository.Dir, plugin(t, "teams/a"))
	if err != nil {
		t.Fatal(err)
	}
	lanes.Compare(t, "teams/a", got, lanes.Objects(t, []byte(repository.Graylane("render", "teams/a/graylane.yaml"))))
}

func TestThePluginTakesTheParametersOfTheTemplate(t *testing.T) {
	serve(t)
	repository := lanes.Open(t, "mse-demo")
	source := source(t, "plugin-application.yaml")
	change := func(name string, by func(*v1alpha1.ApplicationSourcePluginParameter)) {
		i := slices.IndexFunc(source.Plugin.Parameters, func(parameter v1alpha1.ApplicationSourcePluginParameter) bool {
			return parameter.Name == name
		})
		if i < 0 {
			t.Fatalf("the template has no parameter %s", name)
		}
		by(&source.Plugin.Parameters[i])
	}
	change("tag", func(tag *v1alpha1.ApplicationSourcePluginParameter) { *tag.String_ = "pr-7" })
	change("images", func(images *v1alpha1.ApplicationSourcePluginParameter) {
		images.Map = map[string]string{"spring-a": "r.example.com/a:7"}
	})
	change("replicas", func(replicas *v1alpha1.ApplicationSourcePluginParameter) {
		replicas.Map = map[string]string{"spring-a": "3"}
	})
	got, err := manifests(t, repository.Dir, source)
	if err != nil {
		t.Fatal(err)
	}
	repository.Edit("graylane.yaml", "tag: gray", "tag: pr-7")
	repository.Edit("graylane.yaml", "registry.example.com/mse-demo/spring-cloud-a:0.2.0", "r.example.com/a:7")
	repository.Edit("graylane.yaml", "    - name: spring-a\n", "    - name: spring-a\n      replicas: 3\n")
	lanes.Compare(t, "with parameters", got, lanes.Objects(t, []byte(repository.Graylane("render"))))
}

func TestThePluginAnnouncesWhatTheSpecSays(t *testing.T) {
	serve(t)
	client := connect(t)
	config, err := client.CheckPluginConfiguration(t.Context(), &emptypb.Empty{})
	if err != nil {
		t.Fatal(err)
	}
	if config.IsDiscoveryConfigured || config.ProvideGitCreds {
		t.Errorf("the plugin asks for more than it needs: %v", config)
	}
	repository := lanes.Open(t, "mse-demo")
	stream, err := client.GetParametersAnnouncement(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	environment := []string{"ARGOCD_APP_SOURCE_PATH=."}
	if err := cmp.SendRepoStream(t.Context(), repository.Dir, repository.Dir, stream, environment, nil); err != nil {
		t.Fatal(err)
	}
	response, err := stream.CloseAndRecv()
	if err != nil {
		t.Fatal(err)
	}
	announced := map[string]string{}
	for _, parameter := range response.ParameterAnnouncements {
		announced[parameter.Name] = parameter.String_ + parameter.Map["spring-a"]
	}
	for name, want := range map[string]string{
		"tag": "gray", "images": "registry.example.com/mse-demo/spring-cloud-a:0.2.0",
	} {
		if announced[name] != want {
			t.Errorf("%s is announced as %q, not %q: %v", name, announced[name], want, response.ParameterAnnouncements)
		}
	}
	for _, parameter := range source(t, "plugin-application.yaml").Plugin.Parameters {
		if _, ok := announced[parameter.Name]; !ok {
			t.Errorf("the template sets %s, which is not announced", parameter.Name)
		}
	}
}

// Argo CD deletes what it is not told of: where anything is wrong it must be told of an error instead.
func TestThePluginTellsMistakes(t *testing.T) {
	serve(t)
	repository := lanes.Open(t, "mse-demo")
	repository.Edit("graylane.yaml", "kind: GrayRelease", "kind: GreyRelease")
	_, err := manifests(t, repository.Dir, plugin(t, "."))
	if err == nil || !strings.Contains(err.Error(), "graylane.yaml:") || !strings.Contains(err.Error(), "GreyRelease") {
		t.Errorf("the place of the mistake is not told: %v", err)
	}
	if err := os.Remove(filepath.Join(repository.Dir, "graylane.yaml")); err != nil {
		t.Fatal(err)
	}
	if got, err := manifests(t, repository.Dir, plugin(t, ".")); err == nil {
		t.Errorf("without a spec there are %d objects and no error", len(got))
	}
}
