// Package argocd reads lanes as Argo CD does: with the code of its repository server, which asks the
// server of config management plugins where an application names one.
package argocd

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/argoproj/argo-cd/v3/cmpserver/apiclient"
	"github.com/argoproj/argo-cd/v3/pkg/apis/application/v1alpha1"
	repository "github.com/argoproj/argo-cd/v3/reposerver/apiclient"
	reposerver "github.com/argoproj/argo-cd/v3/reposerver/repository"
	utilio "github.com/argoproj/argo-cd/v3/util/io"
	"k8s.io/apimachinery/pkg/api/resource"
	"sigs.k8s.io/yaml"

	"graylane.dev/tests/real/lanes"
)

// installed is where the plugin's configuration expects the program, in the image of the sidecar.
const installed = "/usr/local/bin/graylane"

// read reads a template of graylane as the kind that it is, and refuses fields that this does not have.
func read(t *testing.T, name string, into any) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(lanes.Root(t), "templates", "argocd", name))
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.UnmarshalStrict(text, into); err != nil {
		t.Fatalf("%s: %v", name, err)
	}
}

// source is what an application of the templates delivers.
func source(t *testing.T, template string) v1alpha1.ApplicationSource {
	t.Helper()
	var application v1alpha1.Application
	read(t, template, &application)
	if application.Spec.Source == nil {
		t.Fatalf("%s has no source", template)
	}
	return *application.Spec.Source
}

// manifests are the objects that the repository server makes of a source.
func manifests(t *testing.T, root string, source v1alpha1.ApplicationSource, excluded ...string) (lanes.Set, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	response, err := reposerver.GenerateManifests(ctx, filepath.Join(root, source.Path), root, "main",
		&repository.ManifestRequest{
			Repo:              &v1alpha1.Repository{Repo: source.RepoURL},
			AppName:           "lane",
			Namespace:         "default",
			ProjectName:       "default",
			ApplicationSource: &source,
			KubeVersion:       "1.36",
		},
		false, nil, resource.MustParse("10M"), utilio.NewRandomizedTempPaths(t.TempDir()),
		reposerver.WithCMPTarExcludedGlobs(excluded))
	if err != nil {
		return nil, err
	}
	return lanes.Objects(t, []byte(strings.Join(response.Manifests, "\n---\n"))), nil
}

// serve starts the plugin server with graylane's configuration, where the repository server finds it.
func serve(t *testing.T) {
	t.Helper()
	// The path of a socket has at most 107 bytes, which t.TempDir may exceed.
	dir, err := os.MkdirTemp("", "cmp")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	config, err := os.ReadFile(filepath.Join(lanes.Root(t), "templates", "argocd", "plugin.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(config), installed) {
		t.Fatalf("the plugin does not run %s:\n%s", installed, config)
	}
	text := strings.ReplaceAll(string(config), installed, lanes.Program(t))
	if err := os.WriteFile(filepath.Join(dir, "plugin.yaml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		t.Fatal(err)
	}
	server := exec.Command(lanes.Tool(t, "graylane.dev/tests/real/argocd/cmp-server"),
		"--config-dir-path", dir, "--logformat", "text")
	// The sidecar has no HOME that can be used, nor anything else.
	server.Env = []string{"ARGOCD_PLUGINSOCKFILEPATH=" + dir, "ARGOCD_CMP_WORKDIR=" + filepath.Join(dir, "work")}
	server.Dir, server.Stdout, server.Stderr = dir, log, log
	lanes.EndWithTest(server)
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = server.Process.Kill()
		_ = server.Wait()
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the log of the server:\n%s", text)
		}
		_ = log.Close()
	})
	t.Setenv("ARGOCD_PLUGINSOCKFILEPATH", dir)
	for waited := time.Duration(0); ; waited += 50 * time.Millisecond {
		_, err := os.Stat(socket(dir))
		if err == nil {
			return
		}
		if waited > time.Minute {
			t.Fatalf("the server does not listen: %v", err)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// connect returns a client of the plugin server.
func connect(t *testing.T) apiclient.ConfigManagementPluginServiceClient {
	t.Helper()
	address := socket(os.Getenv("ARGOCD_PLUGINSOCKFILEPATH"))
	connection, client, err := apiclient.NewConfigManagementPluginClientSet(address).NewConfigManagementPluginClient()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	return client
}

// socket is where a plugin listens that has the name `graylane` and no version.
func socket(dir string) string {
	return filepath.Join(dir, "graylane.sock")
}
