package pipeline

import (
	"bytes"
	"image/gif"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
)

// A picture in a mail and one in a page become rows; one that a browser fetches ahead becomes none.
func TestAPixelBecomesARow(t *testing.T) {
	p := use(t)
	get := func(query url.Values, header http.Header) string {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addresses.Edge+"/v1/pixel.gif?"+query.Encode(), nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		picture, err := io.ReadAll(resp.Body)
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("%s, %v", resp.Status, err)
		}
		if _, err := gif.Decode(bytes.NewReader(picture)); err != nil {
			t.Errorf("%q: %v", picture, err)
		}
		return resp.Header.Get("X-Waymark-Result")
	}
	mail, page, ahead := uuid.NewString(), uuid.NewString(), uuid.NewString()
	at := time.Now().Add(-time.Hour).UnixMilli()
	for id, c := range map[string]struct {
		query  url.Values
		header http.Header
		result string
	}{
		mail: {url.Values{
			"type": {"open"}, "item": {"resource"}, "id": {"newsletter-7"}, "name": {"News, \"July\""}, "user": {"u-7"}, "time": {strconv.FormatInt(at, 10)}, "props.campaign": {"july"},
		}, http.Header{"User-Agent": {chrome72}}, "accepted"},
		page:  {url.Values{"type": {"view"}, "item": {"page"}, "guid": {"g-7"}}, http.Header{"Referer": {"https://shop.example/a?b=c"}}, "accepted"},
		ahead: {url.Values{"type": {"view"}, "item": {"page"}}, http.Header{"Sec-Purpose": {"prefetch"}}, "ignored:prefetch"},
	} {
		c.query.Set("key", keyUS)
		c.query.Set("event_id", id)
		if result := get(c.query, c.header); result != c.result {
			t.Errorf("%s, want %s", result, c.result)
		}
	}
	p.settle()
	p.same(p.row("us", mail), map[string]any{
		"event": "open", "item_type": "resource", "item_id": "newsletter-7", "item_name": "News, \"July\"", "user_id": "u-7", "browser": "Chrome",
		"props": map[string]any{"campaign": "july"}, "time": time.UnixMilli(at).UTC().Format("2006-01-02 15:04:05.000"), "library": "waymark-pixel",
	})
	p.same(p.row("us", page), map[string]any{"event": "view", "item_type": "page", "visitor_id": "g-7", "url": "https://shop.example/a?b=c"})
	if rows := p.query("us", "SELECT 1 FROM events WHERE event_id = '"+ahead+"'"); len(rows) > 0 {
		t.Error("what was fetched ahead is counted")
	}
}
