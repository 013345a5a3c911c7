package edge

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/waymark-events/waymark/pkg/telemetry"
)

// A door is what the collector listens at: plainly, with TLS, or both. One gate counts the connections of the two.
type door struct {
	plain, secure net.Listener // nil where there is none
	certificate   *certificate
}

// openDoor listens.
func openDoor(ctx context.Context, cfg Config, tel telemetry.Telemetry) (*door, error) {
	d := &door{plain: cfg.Listener, secure: cfg.TLS.Listener}
	if err := d.open(ctx, cfg, tel); err != nil {
		return nil, errors.Join(err, d.close())
	}
	return d, nil
}

func (d *door) open(ctx context.Context, cfg Config, tel telemetry.Telemetry) (err error) {
	if cfg.TLS.on() {
		if d.certificate, err = openCertificate(cfg.TLS.CertFile, cfg.TLS.KeyFile, tel.Log, tel.Registry); err != nil {
			return err
		}
	}
	for _, l := range []struct {
		name, address string
		at            *net.Listener
	}{{"listen", cfg.Listen, &d.plain}, {"tls.listen", cfg.TLS.Listen, &d.secure}} {
		if *l.at != nil || l.address == "" {
			continue
		}
		listener, err := new(net.ListenConfig).Listen(ctx, "tcp", l.address)
		switch {
		case errors.Is(err, syscall.EADDRINUSE):
			return fmt.Errorf("%s: %s is in use by another process", l.name, l.address)
		case err != nil:
			return fmt.Errorf("%s: %w", l.name, err)
		}
		*l.at = listener
	}
	return nil
}

func (d *door) close() error {
	var errs []error
	for _, l := range []net.Listener{d.plain, d.secure} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// serve serves what comes through the gate, in group.
func (d *door) serve(group *errgroup.Group, server *http.Server, g *gate) {
	start := func(serve func() error) {
		group.Go(func() error {
			if err := serve(); !errors.Is(err, http.ErrServerClosed) {
				return fmt.Errorf("serve: %w", err)
			}
			return nil
		})
	}
	if d.plain != nil {
		start(func() error { return server.Serve(g.over(d.plain)) })
	}
	if d.secure != nil {
		// The gate is below TLS: a handshake costs more than a request, and has its place among the connections first.
		start(func() error { return server.ServeTLS(g.over(d.secure), "", "") })
	}
}

// maxHeader bounds a request's header, in bytes.
const maxHeader = 32 << 10

// newServer makes the collector's server. ReadHeaderTimeout bounds the TLS handshake too.
func newServer(cfg Config, handler http.Handler, d *door, g *gate, tel telemetry.Telemetry) *http.Server {
	server := &http.Server{
		Handler: handler, ReadHeaderTimeout: cfg.Timeouts.ReadHeader, ReadTimeout: cfg.Timeouts.Read, IdleTimeout: cfg.Timeouts.Idle,
		// An answer waits for Kafka, then is short.
		WriteTimeout: cfg.Timeouts.Read + cfg.Producer.Timeout + 10*time.Second, MaxHeaderBytes: maxHeader,
		ErrorLog: telemetry.ServerLog(tel.Log), ConnState: g.watch,
		HTTP2: &http.HTTP2Config{
			// Requests of one connection at once, those that were reset and are still worked on among them (CVE-2023-44487).
			MaxConcurrentStreams: 100,
			// What may have arrived and not been read yet is nobody's room (see collect's budget): little.
			MaxReceiveBufferPerConnection: 256 << 10, MaxReceiveBufferPerStream: 128 << 10,
			// A client that takes no answer, and one that is gone without a word.
			WriteByteTimeout: 10 * time.Second, SendPingTimeout: 30 * time.Second, PingTimeout: 10 * time.Second,
		},
	}
	if d.certificate != nil {
		server.TLSConfig = d.certificate.config()
	}
	return server
}
