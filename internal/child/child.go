//go:build linux

// Package child starts a process of the same program that does for a part what
// the part itself must not be able to do once it is confined: connect
// somewhere, or run another program. It is started before that.
//
// A child is in a process group of its own, so that Ctrl-C reaches only the
// part, which then ends it. It ends with the part however that ends: the
// kernel kills it, and the pipe that is its descriptor 3 reaches its end. A
// child that has ended is never started again from here: a confined part
// couldn't. The package must never know what a child does.
package child

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// Config says what to start.
type Config struct {
	Args  []string   // arguments of the program, its name left out
	Files []*os.File // the child's descriptors FirstFile and following; the caller closes its own
}

// FirstFile is the descriptor that the first of Config.Files has in the child.
const FirstFile = 4

// lifeFile is the descriptor of the pipe that ends with the parent.
const lifeFile = 3

// Child is a process that was started.
type Child struct {
	cmd   *exec.Cmd
	life  *os.File
	ended chan struct{} // closed once it has
	err   error         // of its end; set before ended is closed
}

// Start starts a child. When the context ends, the child is ended as by Stop.
func Start(ctx context.Context, c Config) (*Child, error) {
	theirs, life, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer theirs.Close()
	// The program that runs, not what may lie at its path by now. What it is
	// called stays what it was.
	cmd := &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       append([]string{os.Args[0]}, c.Args...),
		Stderr:     os.Stderr,
		ExtraFiles: append([]*os.File{theirs}, c.Files...),
		// Its parent is the thread that starts it; Go's threads stay.
		SysProcAttr: &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL},
	}
	if err := cmd.Start(); err != nil {
		return nil, errors.Join(fmt.Errorf("start a process of this program: %w", err), life.Close())
	}
	child := &Child{cmd: cmd, life: life, ended: make(chan struct{})}
	go func() {
		child.err = cmd.Wait()
		close(child.ended)
	}()
	context.AfterFunc(ctx, func() { _ = life.Close() })
	return child, nil
}

// Ended is closed once the child has ended, by itself or not.
func (c *Child) Ended() <-chan struct{} { return c.ended }

// PID is the child's process id.
func (c *Child) PID() int { return c.cmd.Process.Pid }

// patience is how long a child may take to end.
const patience = 10 * time.Second

// Stop asks the child to end and waits until it has. One that doesn't end in
// time is killed, if the part may still do that.
func (c *Child) Stop() error {
	_ = c.life.Close() // closed already if the context has ended
	select {
	case <-c.ended:
		return c.err
	case <-time.After(patience):
	}
	if err := syscall.Kill(-c.cmd.Process.Pid, syscall.SIGKILL); err != nil {
		return fmt.Errorf("a child does not end: %w", err)
	}
	<-c.ended
	return c.err
}

// Parent returns, in a child, a context that ends with the parent, or when the
// parent asks for that. Signals to end are for the parent, which may still need
// the child for what it finishes first: a child does not listen to them.
func Parent(ctx context.Context) (context.Context, error) {
	var st syscall.Stat_t
	if err := syscall.Fstat(lifeFile, &st); err != nil || st.Mode&syscall.S_IFMT != syscall.S_IFIFO {
		return nil, errors.New("this command is started by other commands only")
	}
	syscall.CloseOnExec(lifeFile)
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	life := os.NewFile(lifeFile, "parent")
	go func() {
		defer cancel()
		_, _ = io.Copy(io.Discard, life) // its end is what counts, whatever it is called
	}()
	return ctx, nil
}
