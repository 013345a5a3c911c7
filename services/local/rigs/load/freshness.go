package load

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"
)

// Freshness is how long an event takes until SQL finds it, milliseconds.
type Freshness struct {
	// RowsP50 and RowsP99 are inserted_at − received_at over all rows of the measured stage: from the edge's acceptance to the start of the insert.
	RowsP50, RowsP99 float64
	// P50 and P99 are of Markers events, sent one by one among traffic of the same rate after the measured stage: from before the request until a
	// SELECT returns the row. One that is not there after two minutes counts as two minutes.
	P50, P99 float64
	Markers  int
}

const (
	markers    = 100
	markEvery  = 100 * time.Millisecond
	lookEvery  = 20 * time.Millisecond
	markerItem = "waymark-marker"
	// late is when a marker is waited for no more.
	late = 2 * time.Minute
)

// freshness is measured apart from costs, since looking costs ClickHouse something. It ends when everything is stored, once, beside the events
// that are there already.
func (r *rig) freshness(ctx context.Context, perSecond int, already int64) (*Freshness, error) {
	f := &Freshness{Markers: markers}
	if err := r.tables.Scalar(ctx, `SELECT quantileExact(0.5)(inserted_at - received_at) * 1000, quantileExact(0.99)(inserted_at - received_at) * 1000
		FROM (SELECT toFloat64(inserted_at) AS inserted_at, toFloat64(received_at) AS received_at FROM events)`, &f.RowsP50, &f.RowsP99); err != nil {
		return nil, err
	}
	span := markers * markEvery
	from, err := r.sender(ctx, int(float64(perSecond)*(span+2*time.Second).Seconds()), float64(perSecond), false)
	if err != nil {
		return nil, err
	}
	var took []time.Duration
	var sent Sent
	group, marking := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		sent, err = from.send()
		return err
	})
	group.Go(func() (err error) {
		took, err = r.mark(marking)
		return err
	})
	if err := group.Wait(); err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	if err := errors.Join(r.settle(ctx), r.check(ctx, already+sent.Accepted+markers)); err != nil {
		return nil, fmt.Errorf("freshness: %w", err)
	}
	slices.Sort(took)
	f.P50, f.P99 = milliseconds(took[len(took)/2]), milliseconds(took[len(took)*99/100])
	return f, nil
}

func milliseconds(d time.Duration) float64 { return float64(d.Microseconds()) / 1000 }

// mark posts markers and looks for them.
func (r *rig) mark(ctx context.Context) (took []time.Duration, err error) {
	posted, unseen := 0, make(map[uuid.UUID]time.Time)
	post, look := time.NewTicker(markEvery), time.NewTicker(lookEvery)
	defer post.Stop()
	defer look.Stop()
	for posted < markers || len(unseen) > 0 {
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-post.C:
			if posted == markers {
				continue
			}
			id, now := uuid.New(), time.Now()
			if err := r.postMarker(ctx, id, now); err != nil {
				return nil, err
			}
			unseen[id] = now
			posted++
		case <-look.C:
		}
		err := r.tables.Query(ctx, `SELECT event_id FROM events WHERE account_id = ? AND item_type = 'walkthru' AND item_id = ?`,
			func(_ []string, values []any) error {
				id, ok := values[0].(uuid.UUID)
				if !ok {
					return fmt.Errorf("an event id is a %T", values[0])
				}
				if at, is := unseen[id]; is {
					took = append(took, time.Since(at))
					delete(unseen, id)
				}
				return nil
			}, r.cfg.Senders[0].ID, markerItem)
		if err != nil {
			return nil, err
		}
		for id, at := range unseen {
			if time.Since(at) > late {
				took = append(took, late)
				delete(unseen, id)
			}
		}
	}
	return took, nil
}

// postMarker posts one event of a visitor of its own, so that markers fall into all partitions.
func (r *rig) postMarker(ctx context.Context, id uuid.UUID, at time.Time) error {
	body := fmt.Appendf(nil, `{"id":%q,"time":%d,"type":"play","user":{"guid":%q},"data":{"type":"wt","oId":%q}}`, id, at.UnixMilli(), id, markerItem)
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+r.edgeDoor+"/v1/events", bytes.NewReader(body))
	if err != nil {
		return err
	}
	req.Header.Set("X-Write-Key", r.cfg.Senders[0].WriteKey)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return fmt.Errorf("post a marker: %w", err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK || !bytes.Contains(text, []byte(`"accepted"`)) {
		return fmt.Errorf("post a marker: %s: %s (%v)", resp.Status, text, err)
	}
	return nil
}
