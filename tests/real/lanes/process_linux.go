package lanes

import (
	"os/exec"
	"syscall"
)

// EndWithTest has a command end with the test, even when that is killed.
func EndWithTest(command *exec.Cmd) {
	command.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
}
