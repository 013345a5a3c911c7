// Package api is the console's HTTP interface, as API.md describes it.
package api

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"mime"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"go.uber.org/zap"

	"github.com/waymark-events/waymark/pkg/account"
	"github.com/waymark-events/waymark/pkg/telemetry"
	"github.com/waymark-events/waymark/services/console/internal/access"
	"github.com/waymark-events/waymark/services/console/internal/ask"
	"github.com/waymark-events/waymark/services/console/internal/box"
	"github.com/waymark-events/waymark/services/console/internal/live"
	"github.com/waymark-events/waymark/services/console/internal/page"
	"github.com/waymark-events/waymark/services/console/internal/question"
	"github.com/waymark-events/waymark/services/console/internal/state"
)

// Dependencies of the interface.
type Dependencies struct {
	Gate     *access.Gate
	Accounts *account.Store
	Asker    *ask.Asker
	Box      *box.Box
	Feeds    *live.Feeds
	Regions  map[string]state.Region
	// Page answers for everything that is not under /api/.
	Page     http.Handler
	Version  string
	Log      *zap.Logger
	Registry prometheus.Registerer
}

// Settings of the interface.
type Settings struct {
	// SQLTime bounds a statement of the SQL box.
	SQLTime time.Duration
	// Streams and UserStreams are how many live streams there may be, and of one user.
	Streams, UserStreams int
	// StreamTime is how long a stream lasts; Heartbeat how often something is sent on one, at least.
	StreamTime, Heartbeat time.Duration
}

// An API serves the console. It is safe for concurrent use.
type API struct {
	Dependencies
	settings Settings
	streams  *streams
	requests *prometheus.CounterVec
	panics   prometheus.Counter
	client   *http.Client
	// ending ends with the service, and with it the streams.
	ending context.Context
	end    context.CancelFunc
}

// New makes the interface. Metrics go to d.Registry.
func New(d Dependencies, s Settings) (*API, error) {
	a := &API{
		Dependencies: d, settings: s, streams: newStreams(s.Streams, s.UserStreams), client: &http.Client{},
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "waymark_console_requests_total", Help: "Requests to the interface, by what was asked for and the answer's status.",
		}, []string{"path", "status"}),
		panics: prometheus.NewCounter(prometheus.CounterOpts{Name: "waymark_console_panics_total", Help: "Requests that the console broke down over: a bug each."}),
	}
	a.ending, a.end = context.WithCancel(context.Background())
	open := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "waymark_console_streams", Help: "Live streams that are open."}, a.streams.open)
	return a, telemetry.Register(d.Registry, a.requests, a.panics, open)
}

// End ends the live streams, which would last: what else is under way comes to an end by itself.
func (a *API) End() { a.end() }

// Handler serves everything.
func (a *API) Handler() http.Handler {
	mux := http.NewServeMux()
	for _, endpoint := range []struct {
		method, path string
		serve        func(http.ResponseWriter, *http.Request, *access.User)
	}{
		{http.MethodGet, "/api/me", a.me},
		{http.MethodGet, "/api/questions", a.questions},
		{http.MethodGet, "/api/ask/{question}", a.ask},
		{http.MethodPost, "/api/sql", a.sql},
		{http.MethodGet, "/api/live", a.live},
		{http.MethodGet, "/api/health-data", a.health},
	} {
		mux.Handle(endpoint.path, a.counted(endpoint.path, a.only(endpoint.method, a.signedIn(endpoint.serve))))
	}
	mux.Handle("/api/session", a.counted("/api/session", http.HandlerFunc(a.session)))
	mux.Handle("/api/", a.counted("other", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		a.refuse(w, http.StatusNotFound, "not_found", "", "There is nothing at this path.")
	})))
	mux.Handle("/", a.Page)
	return a.safely(mux)
}

// safely sets what every answer has, and answers for handlers that break down.
func (a *API) safely(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.Secure(w.Header())
		if strings.HasPrefix(r.URL.Path, "/api/") {
			w.Header().Set("Cache-Control", "no-store")
		}
		defer func() {
			if recover() == nil {
				return
			}
			a.panics.Inc()
			a.Log.Error("a request broke the console down", zap.String("path", r.Pattern), zap.Stack("stack"))
			a.refuse(w, http.StatusInternalServerError, ask.CodeBug, "", "The console broke down over this request, which is a fault of this version.")
		}()
		next.ServeHTTP(w, r)
	})
}

// counted counts answers.
func (a *API) counted(path string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		status := &recorded{ResponseWriter: w, status: http.StatusOK}
		defer func() { a.requests.WithLabelValues(path, strconv.Itoa(status.status)).Inc() }()
		next.ServeHTTP(status, r)
	})
}

type recorded struct {
	http.ResponseWriter
	status int
}

func (r *recorded) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

// Unwrap is for http.ResponseController.
func (r *recorded) Unwrap() http.ResponseWriter { return r.ResponseWriter }

func (a *API) only(method string, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == method || method == http.MethodGet && r.Method == http.MethodHead {
			next.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", method)
		a.refuse(w, http.StatusMethodNotAllowed, "method", "", "This is for "+method+".")
	})
}

// signedIn lets in who may, and what cannot be another site's doing.
func (a *API) signedIn(next func(http.ResponseWriter, *http.Request, *access.User)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := a.Gate.Who(r)
		switch {
		case who == nil:
			a.unknown(w)
		case r.Method == http.MethodPost && access.Forged(r):
			a.forged(w)
		default:
			next(w, r, who)
		}
	})
}

func (a *API) unknown(w http.ResponseWriter) {
	if a.Gate.Mode() != access.ModeProxy {
		w.Header().Set("WWW-Authenticate", `Bearer realm="waymark-console"`)
	}
	a.answer(w, http.StatusUnauthorized, refusal{refused{"sign_in", "", "Sign in first."}, string(a.Gate.Mode())})
}

func (a *API) forged(w http.ResponseWriter) {
	a.refuse(w, http.StatusForbidden, "forged", "", "Want the header "+access.Header+": 1, from this console's own page or from a script.")
}

// A refusal is the body of every answer that is none.
type refusal struct {
	Error  refused `json:"error"`
	SignIn string  `json:"sign_in,omitempty"`
}

type refused struct {
	Code      string `json:"code"`
	Parameter string `json:"parameter,omitempty"`
	Message   string `json:"message"`
}

func (a *API) refuse(w http.ResponseWriter, status int, code, parameter, message string) {
	a.answer(w, status, refusal{Error: refused{code, parameter, message}})
}

func (a *API) answer(w http.ResponseWriter, status int, body any) {
	text, err := json.Marshal(body)
	if err != nil {
		a.Log.Error("an answer cannot be written as JSON", zap.Error(err))
		status, text = http.StatusInternalServerError, []byte(`{"error":{"code":"bug","message":"The answer cannot be written, which is a fault of this version."}}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(text) // who is gone needs no answer
}

// statuses are those of failures.
var statuses = map[string]int{
	ask.CodeParameter: http.StatusBadRequest, ask.CodeSQL: http.StatusBadRequest, ask.CodeBusy: http.StatusTooManyRequests, ask.CodeAway: http.StatusServiceUnavailable,
	ask.CodeSetup: http.StatusServiceUnavailable, ask.CodeSlow: http.StatusGatewayTimeout, ask.CodeGone: 499, ask.CodeBug: http.StatusInternalServerError,
}

// failed answers for what got no answer. The log has what an operator should see: no values, and no sentences of ClickHouse, which quote some.
func (a *API) failed(w http.ResponseWriter, what, region string, err error) {
	var f *ask.Failure
	if !errors.As(err, &f) {
		f = &ask.Failure{Code: ask.CodeBug, Message: "The console cannot answer this, which is a fault of this version.", Err: err}
	}
	switch f.Code {
	case ask.CodeAway, ask.CodeBusy:
		w.Header().Set("Retry-After", "2")
	case ask.CodeSetup, ask.CodeBug:
		a.Log.Error("a question cannot be answered", zap.String("question", what), zap.String("region", region), zap.String("failure", f.Code), zap.String("clickhouse", ask.Code(f)))
	}
	if f.Code == ask.CodeAway {
		a.Log.Warn("ClickHouse does not answer", zap.String("region", region))
	}
	a.refuse(w, statuses[f.Code], f.Code, f.Parameter, f.Message)
}

// What is read of a body, in bytes, and how long that may take.
const (
	mostBody = 64 << 10
	bodyTime = 15 * time.Second
)

// decode reads a body of JSON into to. It has answered when it returns false.
func (a *API) decode(w http.ResponseWriter, r *http.Request, to any) bool {
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		a.refuse(w, http.StatusBadRequest, ask.CodeParameter, "", "Want a body of application/json.")
		return false
	}
	control := http.NewResponseController(w)
	err := control.SetReadDeadline(time.Now().Add(bodyTime))
	var text []byte
	if err == nil {
		text, err = io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	}
	if err == nil { // or the connection's reads, which tell that the client is gone, would end then
		err = control.SetReadDeadline(time.Time{})
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		a.refuse(w, http.StatusRequestEntityTooLarge, "too_large", "", "Want at most 64 KiB.")
		return false
	case err != nil:
		return false // who is gone needs no answer
	}
	if err := json.Unmarshal(text, to); err != nil {
		a.refuse(w, http.StatusBadRequest, ask.CodeParameter, "", "The body is no JSON of this request's.")
		return false
	}
	return true
}

// region is that of an account that the user may see, and which this console serves. It has answered when it returns false.
func (a *API) region(w http.ResponseWriter, who *access.User, id string) (string, bool) {
	if id == "" {
		a.refuse(w, http.StatusBadRequest, ask.CodeParameter, question.Account, "Want an account's id.")
		return "", false
	}
	of := a.Accounts.Directory().ByID(id)
	if of == nil || !who.May(id) {
		a.refuse(w, http.StatusForbidden, "account", "", "This is no account of yours.")
		return "", false
	}
	if _, served := a.Regions[of.Region]; !served {
		a.refuse(w, http.StatusServiceUnavailable, ask.CodeSetup, "", "The account's region is not among those of this console.")
		return "", false
	}
	return of.Region, true
}

// me says who asks, and what they may see.
func (a *API) me(w http.ResponseWriter, _ *http.Request, who *access.User) {
	type seen struct {
		ID     string `json:"id"`
		Name   string `json:"name"`
		Region string `json:"region"`
		SQL    bool   `json:"sql"`
	}
	accounts := []seen{}
	for _, of := range a.Accounts.Directory().Accounts() {
		if _, served := a.Regions[of.Region]; served && who.May(of.ID) {
			name := of.Name
			if name == "" {
				name = of.ID
			}
			accounts = append(accounts, seen{of.ID, name, of.Region, a.Box.Has(of.ID)})
		}
	}
	a.answer(w, http.StatusOK, map[string]any{
		"user": who.Name, "operator": who.Operator, "sign_in": a.Gate.Mode(), "version": a.Version, "accounts": accounts,
		"regions": slices.Sorted(maps.Keys(a.Regions)),
	})
}

// session begins and ends one.
func (a *API) session(w http.ResponseWriter, r *http.Request) {
	switch r.Method {
	case http.MethodPost:
		if access.Forged(r) {
			a.forged(w)
			return
		}
		var body struct {
			Token string `json:"token"`
		}
		if !a.decode(w, r, &body) {
			return
		}
		cookie := a.Gate.SignIn(strings.TrimSpace(body.Token))
		if cookie == nil {
			a.answer(w, http.StatusUnauthorized, refusal{refused{"sign_in", "", "This token lets nobody in: it is wrong, or it was taken back."}, string(a.Gate.Mode())})
			return
		}
		http.SetCookie(w, cookie)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodDelete:
		if access.Forged(r) {
			a.forged(w)
			return
		}
		http.SetCookie(w, a.Gate.SignOut())
		w.WriteHeader(http.StatusNoContent)
	default:
		w.Header().Set("Allow", "POST, DELETE")
		a.refuse(w, http.StatusMethodNotAllowed, "method", "", "This is for POST and DELETE.")
	}
}

// health tells how the data of an account does.
func (a *API) health(w http.ResponseWriter, r *http.Request, who *access.User) {
	given := r.URL.Query()
	region, may := a.region(w, who, given.Get(question.Account))
	if !may {
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), healthTime)
	defer cancel()
	a.answer(w, http.StatusOK, a.Regions[region].Look(ctx, given.Get(question.Account), region, who.Operator, a.client))
}

// healthTime bounds a look at an account's data.
const healthTime = 25 * time.Second
