//go:build linux

package child

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// StartTalking starts a child that has one end of a pair of sockets, on which
// messages keep their bounds, and returns the other.
func StartTalking(ctx context.Context, args ...string) (*Child, *net.UnixConn, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("make a pair of sockets: %w", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "child")
	defer theirs.Close()
	ours, err := takeUnix(fds[0])
	if err != nil {
		return nil, nil, err
	}
	c, err := Start(ctx, Config{Args: args, Files: []*os.File{theirs}})
	if err != nil {
		return nil, nil, errors.Join(err, ours.Close())
	}
	return c, ours, nil
}

// Talk returns, in a child that StartTalking started, its end of the pair, which
// is closed when the context ends, and what Parent does.
func Talk(ctx context.Context) (context.Context, *net.UnixConn, error) {
	ctx, err := Parent(ctx)
	if err != nil {
		return nil, nil, err
	}
	unix.CloseOnExec(FirstFile)
	parent, err := takeUnix(FirstFile)
	if err != nil {
		return nil, nil, fmt.Errorf("take the parent's socket: %w", err)
	}
	context.AfterFunc(ctx, func() { _ = parent.Close() })
	return ctx, parent, nil
}

// Pass sends a message with a connection beside it. The caller still has, and
// closes, its own.
func Pass(to *net.UnixConn, message []byte, c net.Conn) error {
	s, ok := c.(syscall.Conn)
	if !ok {
		return errors.New("not a connection of the system's")
	}
	raw, err := s.SyscallConn()
	if err != nil {
		return err
	}
	var sent error
	err = raw.Control(func(fd uintptr) { _, _, sent = to.WriteMsgUnix(message, unix.UnixRights(int(fd)), nil) })
	return errors.Join(err, sent)
}

// Receive reads a message of at most so many bytes, and the connection that came
// beside it: nil if none did.
func Receive(from *net.UnixConn, most int) (message []byte, c net.Conn, err error) {
	message, rights := make([]byte, most), make([]byte, unix.CmsgSpace(4))
	n, m, _, _, err := from.ReadMsgUnix(message, rights)
	if err != nil {
		return nil, nil, err
	}
	if m == 0 {
		return message[:n], nil, nil
	}
	messages, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil || len(messages) != 1 {
		return nil, nil, errors.New("no connection came beside the message")
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return nil, nil, errors.New("no connection came beside the message")
	}
	c, err = take(fds[0])
	return message[:n], c, err
}

// take takes a descriptor over.
func take(fd int) (net.Conn, error) {
	f := os.NewFile(uintptr(fd), "passed")
	defer f.Close()
	return net.FileConn(f)
}

func takeUnix(fd int) (*net.UnixConn, error) {
	c, err := take(fd)
	if err != nil {
		return nil, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		return nil, errors.Join(errors.New("not a Unix socket"), c.Close())
	}
	return u, nil
}
