package api

import (
	"context"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/waymark-events/waymark/services/console/internal/access"
	"github.com/waymark-events/waymark/services/console/internal/ask"
	"github.com/waymark-events/waymark/services/console/internal/live"
	"github.com/waymark-events/waymark/services/console/internal/question"
)

// streams bounds how many there are.
type streams struct {
	most, ofUser int

	mu    sync.Mutex
	all   int
	users map[string]int
}

func newStreams(most, ofUser int) *streams {
	return &streams{most: most, ofUser: ofUser, users: make(map[string]int)}
}

// begin tells whether there is room for one more; end gives it back.
func (s *streams) begin(user string) (end func(), ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all >= s.most || s.users[user] >= s.ofUser {
		return nil, false
	}
	s.all++
	s.users[user]++
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.all--
		if s.users[user]--; s.users[user] == 0 {
			delete(s.users, user)
		}
	}, true
}

func (s *streams) open() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return float64(s.all)
}

// writeTime is how long a viewer may take to take a message.
const writeTime = 20 * time.Second

// live sends an account's newest events, as server-sent events (https://html.spec.whatwg.org/multipage/server-sent-events.html).
func (a *API) live(w http.ResponseWriter, r *http.Request, who *access.User) {
	id := r.URL.Query().Get(question.Account)
	region, may := a.region(w, who, id)
	if !may {
		return
	}
	end, room := a.streams.begin(who.Name)
	if !room {
		w.Header().Set("Retry-After", "5")
		a.refuse(w, http.StatusTooManyRequests, ask.CodeBusy, "", "Too many live streams are open: close one.")
		return
	}
	defer end()
	ctx, cancel := context.WithTimeout(r.Context(), a.settings.StreamTime)
	defer cancel()
	defer context.AfterFunc(a.ending, cancel)()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("X-Accel-Buffering", "no") // nginx would keep them back
	control := http.NewResponseController(w)
	write := func(format string, values ...any) error {
		if err := control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
			return err
		}
		if _, err := fmt.Fprintf(w, format, values...); err != nil {
			return err
		}
		return control.Flush()
	}
	if write("retry: 2000\n\n") != nil {
		return
	}
	err := a.Feeds.Watch(ctx, region, id, a.settings.Heartbeat, func() error { return write(":\n\n") }, func(m live.Message) error {
		if m.ID == "" {
			return write("event: %s\ndata: %s\n\n", m.Event, m.Data)
		}
		return write("event: %s\nid: %s\ndata: %s\n\n", m.Event, m.ID, m.Data)
	})
	if err == nil && r.Context().Err() == nil {
		_ = write("event: end\ndata: {}\n\n") // who is gone needs no answer
	}
}
