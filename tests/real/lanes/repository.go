// Package lanes makes repositories of the examples, and the lanes in them with the graylane program.
package lanes

import (
	"bytes"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Program is the path of the graylane program, from the environment variable GRAYLANE.
func Program(t testing.TB) string {
	t.Helper()
	program := os.Getenv("GRAYLANE")
	if !filepath.IsAbs(program) {
		t.Fatalf("GRAYLANE is %q, not the absolute path of the program; scripts/real sets it", program)
	}
	return program
}

// Root is the directory of graylane's own repository.
func Root(t testing.TB) string {
	t.Helper()
	root, err := filepath.Abs("../../..")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "examples", "demo.sh")); err != nil {
		t.Fatalf("%s is not the root of graylane: %v", root, err)
	}
	return root
}

// Examples are the names of all examples that have a spec, sorted.
func Examples(t testing.TB) []string {
	t.Helper()
	specs, err := filepath.Glob(filepath.Join(Root(t), "examples", "*", "graylane.yaml"))
	if err != nil || len(specs) == 0 {
		t.Fatalf("no examples: %v", err)
	}
	names := make([]string, len(specs))
	for i, spec := range specs {
		names[i] = filepath.Base(filepath.Dir(spec))
	}
	return names
}

// Repository is a git repository with an example as its only commit.
type Repository struct {
	t   testing.TB
	Dir string
}

// Open copies an example to a new repository.
func Open(t testing.TB, example string) *Repository {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join(Root(t), "examples", example))); err != nil {
		t.Fatal(err)
	}
	repository := &Repository{t, dir}
	repository.run("git", "-c", "init.defaultBranch=main", "init", "--quiet")
	repository.run("git", "add", "--all")
	repository.run("git", "-c", "user.name=Test", "-c", "user.email=test@example.com",
		"-c", "commit.gpgSign=false", "commit", "--quiet", "--message", "Add the baseline")
	return repository
}

// Edit replaces a text, which must be there, in a file of the repository.
func (r *Repository) Edit(file, old, new string) {
	r.t.Helper()
	text := r.read(file)
	if !strings.Contains(text, old) {
		r.t.Fatalf("%s does not have %q", file, old)
	}
	r.write(file, strings.ReplaceAll(text, old, new))
}

// Copy copies a file of the repository.
func (r *Repository) Copy(from, to string) {
	r.t.Helper()
	r.write(to, r.read(from))
}

func (r *Repository) read(file string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.Dir, file))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

func (r *Repository) write(file, text string) {
	r.t.Helper()
	if err := os.WriteFile(filepath.Join(r.Dir, file), []byte(text), 0o600); err != nil {
		r.t.Fatal(err)
	}
}

// Graylane runs the program in the repository and returns what it prints. Any exit code but 0 ends the test.
func (r *Repository) Graylane(arguments ...string) string {
	r.t.Helper()
	return r.run(Program(r.t), arguments...)
}

func (r *Repository) run(program string, arguments ...string) string {
	r.t.Helper()
	command := exec.Command(program, arguments...)
	command.Dir = r.Dir
	for _, variable := range os.Environ() {
		// Inside a hook git exports the place of the outer repository.
		if !strings.HasPrefix(variable, "GIT_") {
			command.Env = append(command.Env, variable)
		}
	}
	var told bytes.Buffer
	command.Stderr = &told
	printed, err := command.Output()
	if err != nil {
		r.t.Fatalf("%s %s: %v\n%s", filepath.Base(program), strings.Join(arguments, " "), err, told.Bytes())
	}
	return string(printed)
}

// Overlays are the directories that graylane owns, sorted: those with a lock.
func (r *Repository) Overlays() []string {
	var directories []string
	for _, file := range files(r.t, r.Dir) {
		if filepath.Base(file) == "graylane.lock" {
			directories = append(directories, filepath.Dir(file))
		}
	}
	return directories
}

// Manifests are the YAML files below a directory, sorted by path, without kustomizations. A directory that
// is not there has none.
func Manifests(t testing.TB, directory string) []string {
	t.Helper()
	if _, err := os.Stat(directory); os.IsNotExist(err) {
		return nil
	}
	return slices.DeleteFunc(files(t, directory), func(file string) bool {
		return filepath.Ext(file) != ".yaml" || filepath.Base(file) == "kustomization.yaml"
	})
}

func files(t testing.TB, directory string) []string {
	t.Helper()
	var files []string
	err := filepath.WalkDir(directory, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.IsDir() {
			files = append(files, path)
			return err
		}
		if entry.Name() == ".git" {
			return filepath.SkipDir
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}
