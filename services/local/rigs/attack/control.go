package attack

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/waymark-events/waymark/services/local/rigs/child"
)

// ControlCommand is the argument, with an address, under which the rig's program is a server that does nothing but answer.
const ControlCommand = "control"

// Control is that server: a process beside the edge that nobody attacks. How long it takes is how long this machine makes anybody wait.
func Control(ctx context.Context, address string, out io.Writer) error {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(w, r.Body)
	})}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if _, err := fmt.Fprintln(out, "control is ready"); err != nil {
		return errors.Join(err, l.Close())
	}
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return nil
}

// startControl starts it as a process of its own.
func startControl(ctx context.Context, dir string) (address string, p *child.Process, err error) {
	program, err := os.Executable()
	if err != nil {
		return "", nil, fmt.Errorf("find this program: %w", err)
	}
	addresses, err := child.FreeAddresses(1)
	if err != nil {
		return "", nil, err
	}
	p = &child.Process{Name: "control", Args: []string{filepath.Clean(program), ControlCommand, addresses[0]}, Says: "control is ready"}
	if err := p.Start(ctx, dir); err != nil {
		return "", nil, err
	}
	if err := p.Ready(ctx); err != nil {
		return "", nil, errors.Join(err, p.Kill())
	}
	return addresses[0], p, nil
}
