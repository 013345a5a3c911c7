package telemetry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/zap"
)

// readyTimeout bounds one look at /readyz; it is below the usual probe's period.
const readyTimeout = 2 * time.Second

// AdminHandler serves /healthz (the process answers), /readyz (503 and a sentence while not ready) and /metrics.
func AdminHandler(h *Health, metrics prometheus.Gatherer) *http.ServeMux {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintln(w, "ok")
	})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), readyTimeout)
		defer cancel()
		if err := h.Ready(ctx); err != nil {
			http.Error(w, "not ready: "+err.Error(), http.StatusServiceUnavailable)
			return
		}
		fmt.Fprintln(w, "ready")
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	return mux
}

// What a client of the admin port may take: one that does not read its answer is cut off.
const (
	adminRead  = 5 * time.Second
	adminWrite = 5 * time.Second
	adminIdle  = time.Minute
)

// ServeAdmin serves handler on l until ctx ends, then gives requests under way a second to finish. What the server complains of goes to
// log.
func ServeAdmin(ctx context.Context, l net.Listener, handler http.Handler, log *zap.Logger) error {
	srv := &http.Server{
		Handler: handler, ReadTimeout: adminRead, WriteTimeout: adminWrite, IdleTimeout: adminIdle, MaxHeaderBytes: 16 << 10,
		ErrorLog: ServerLog(log.With(zap.String("port", "admin"))),
	}
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
		defer cancel()
		_ = srv.Shutdown(grace)
	}()
	err := srv.Serve(l)
	if errors.Is(err, http.ErrServerClosed) {
		<-stopped
		return nil
	}
	return fmt.Errorf("serve admin on %s: %w", l.Addr(), err)
}
