// Package live follows an account's newest events for whoever looks on.
package live

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"

	"github.com/waymark-events/waymark/pkg/clickhouse"
	"github.com/waymark-events/waymark/pkg/retry"
	"github.com/waymark-events/waymark/services/console/internal/ask"
)

//go:embed events.sql
var events string

// A Message is what a viewer is sent: of an event its columns, by name.
type Message struct {
	// Event is event, skipped or away.
	Event string
	// ID is the event's.
	ID   string
	Data json.RawMessage
}

// How the tables are looked at.
const (
	interval = time.Second
	// rest is how much longer than a look the pause after it is: looks take a tenth of one core's time at most.
	rest = 10
	// most events of a look, and first of the first one.
	most, first = 200, 20
	// overlap is looked at again: blocks are not stored in the order of their times.
	overlap = 5 * time.Second
	// remembered ids are those of the overlap.
	remembered = 20_000
	// backlog is how many messages a viewer may be behind.
	backlog = 2 * most
	// lookTime bounds a look.
	lookTime = 5 * time.Second
)

// Feeds are the accounts that somebody looks at: each is asked for once, however many do. It is safe for concurrent use.
type Feeds struct {
	conns map[string]*clickhouse.Conn

	mu    sync.Mutex
	feeds map[string]*feed
}

type feed struct {
	viewers []chan Message
	latest  []Message // what a further viewer begins with
	stop    context.CancelFunc
	ended   chan struct{}
}

// New makes feeds of the regions' databases.
func New(conns map[string]*clickhouse.Conn) *Feeds {
	return &Feeds{conns: conns, feeds: make(map[string]*feed)}
}

// Watch calls send for each message of an account until ctx ends or send fails; it returns send's error. A viewer that does not keep up misses what it has
// no room for.
func (f *Feeds) Watch(ctx context.Context, region, account string, heartbeat time.Duration, beat func() error, send func(Message) error) error {
	own, leave, err := f.join(ctx, region, account)
	if err != nil {
		return err
	}
	defer leave()
	ticker := time.NewTicker(heartbeat)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
			err = beat()
		case m := <-own:
			err = send(m)
		}
		if err != nil {
			return err
		}
	}
}

// join begins to look at an account, or looks on with those who do already.
func (f *Feeds) join(ctx context.Context, region, account string) (<-chan Message, func(), error) {
	conn := f.conns[region]
	if conn == nil {
		return nil, nil, fmt.Errorf("region %s is not served", region)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	key := region + "\x00" + account
	fd := f.feeds[key]
	if fd == nil {
		lookCtx, stop := context.WithCancel(context.WithoutCancel(ctx))
		fd = &feed{stop: stop, ended: make(chan struct{})}
		f.feeds[key] = fd
		go func() { // ends with the last viewer, who waits for it
			defer close(fd.ended)
			f.look(lookCtx, conn, account, fd)
		}()
	}
	own := make(chan Message, backlog)
	for _, m := range fd.latest {
		offer(own, m)
	}
	fd.viewers = append(fd.viewers, own)
	return own, func() { f.leave(key, fd, own) }, nil
}

func (f *Feeds) leave(key string, fd *feed, own chan Message) {
	f.mu.Lock()
	fd.viewers = slices.DeleteFunc(fd.viewers, func(other chan Message) bool { return other == own })
	last := len(fd.viewers) == 0
	if last {
		fd.stop()
		if f.feeds[key] == fd {
			delete(f.feeds, key)
		}
	}
	f.mu.Unlock()
	if last {
		<-fd.ended
	}
}

// look asks for an account's newest events until ctx ends.
func (f *Feeds) look(ctx context.Context, conn *clickhouse.Conn, account string, fd *feed) {
	seen, _ := simplelru.NewLRU[string, struct{}](remembered, nil) // the size is positive
	var since time.Time
	away := false
	for {
		began := time.Now()
		messages, until, err := newest(ctx, conn, account, since, seen)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil && !away:
			away = true
			f.send(fd, []Message{{Event: "away", Data: json.RawMessage(`{"message":"ClickHouse does not answer; the stream goes on when it does."}`)}})
		case err == nil:
			away, since = false, until
			f.send(fd, messages)
		}
		if retry.Pause(ctx, max(interval, rest*time.Since(began))) != nil {
			return
		}
	}
}

// send gives messages to all viewers. One that is too far behind misses the rest of them.
func (f *Feeds) send(fd *feed, messages []Message) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, viewer := range fd.viewers {
		for _, m := range messages {
			if !offer(viewer, m) {
				break
			}
		}
	}
	fd.latest = append(fd.latest, messages...)
	fd.latest = slices.Clone(fd.latest[max(0, len(fd.latest)-first):])
}

func offer(viewer chan Message, m Message) bool {
	select {
	case viewer <- m:
		return true
	default:
		return false
	}
}

// newest returns what was stored since a moment and not seen, the oldest first, and the moment to go on from.
func newest(ctx context.Context, conn *clickhouse.Conn, account string, since time.Time, seen *simplelru.LRU[string, struct{}]) ([]Message, time.Time, error) {
	limit, from := most, since.Add(-overlap)
	if since.IsZero() {
		limit, from = first, time.Now().Add(-15*time.Minute)
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	answer, err := conn.Ask(ctx, clickhouse.Question{
		Statement: events, Time: lookTime,
		Parameters: map[string]string{"account": account, "since": strconv.FormatInt(from.UnixMilli(), 10), "most": strconv.Itoa(limit)},
	})
	if err != nil {
		return nil, since, err
	}
	if since.IsZero() {
		since = time.Now().Add(-overlap)
	}
	var messages []Message
	for _, row := range slices.Backward(answer.Rows) {
		columns := ask.Object(answer.Names, answer.Types, row)
		id := fmt.Sprint(columns["event_id"])
		if at, is := columns["inserted_at"].(string); is {
			if inserted, err := time.Parse(time.RFC3339Nano, at); err == nil && inserted.After(since) {
				since = inserted
			}
		}
		if seen.Contains(id) {
			continue
		}
		seen.Add(id, struct{}{})
		data, err := json.Marshal(columns)
		if err != nil {
			return nil, since, err
		}
		messages = append(messages, Message{"event", id, data})
	}
	if len(answer.Rows) == most && len(messages) == most { // none of them was known: there may be more
		messages = append([]Message{{Event: "skipped", Data: json.RawMessage(`{}`)}}, messages...)
	}
	return messages, since, nil
}
