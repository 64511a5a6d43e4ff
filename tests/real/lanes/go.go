package lanes

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
)

// Tool is the path of a program that this module names as its tool. It is built if it is not yet.
func Tool(t testing.TB, path string) string {
	t.Helper()
	return ask(t, "tool", "-n", path)
}

// Module is the directory of a module that this one requires.
func Module(t testing.TB, path string) string {
	t.Helper()
	return ask(t, "list", "-m", "-f", "{{.Dir}}", path)
}

func ask(t testing.TB, arguments ...string) string {
	t.Helper()
	answer, err := exec.Command("go", arguments...).Output()
	line := strings.TrimSpace(string(answer))
	if err == nil && line != "" {
		return line
	}
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		t.Logf("%s", exit.Stderr)
	}
	t.Fatalf("go %s: %v", strings.Join(arguments, " "), err)
	return ""
}
