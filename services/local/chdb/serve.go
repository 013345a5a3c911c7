package chdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Serve answers clients on both listeners, either of which may be nil, until ctx ends; then it closes them, stops what still
// runs, and returns nil.
func (e *Engine) Serve(ctx context.Context, native, web net.Listener) error {
	group, ctx := errgroup.WithContext(ctx)
	if native != nil {
		group.Go(func() error { return e.acceptNative(ctx, native) })
	}
	if web != nil {
		group.Go(func() error { return e.serveHTTP(ctx, web) })
	}
	return group.Wait()
}

// acceptNative serves each connection in a goroutine of its own and waits for all of them.
func (e *Engine) acceptNative(ctx context.Context, listener net.Listener) error {
	stop := context.AfterFunc(ctx, func() { listener.Close() })
	defer stop()
	var clients sync.WaitGroup
	defer clients.Wait()
	for {
		conn, err := listener.Accept()
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return fmt.Errorf("accept a native client of ClickHouse: %w", err)
		}
		clients.Go(func() { e.serveNative(ctx, conn) })
	}
}

func (e *Engine) serveHTTP(ctx context.Context, listener net.Listener) error {
	server := &http.Server{Handler: e.handler(), ReadHeaderTimeout: helloTimeout, BaseContext: func(net.Listener) context.Context { return ctx }}
	stopped := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(stopped)
		drain, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := server.Shutdown(drain); err != nil {
			server.Close()
		}
	})
	err := server.Serve(listener)
	if !stop() {
		<-stopped
	}
	if errors.Is(err, http.ErrServerClosed) && ctx.Err() != nil {
		return nil
	}
	return fmt.Errorf("serve ClickHouse over HTTP: %w", err)
}
