package wire

import (
	"fmt"
	"io"

	"github.com/segmentio/kafka-go/protocol"
)

// A GroupRequest is one request to a group's coordinator. Body is what follows the header.
type GroupRequest struct {
	Key      protocol.ApiKey
	Version  int16
	ClientID string
	GroupID  string
	Body     []byte
}

// A GroupResponse is its answer.
type GroupResponse struct {
	key protocol.ApiKey
	raw []byte
}

func (r *GroupRequest) ApiKey() protocol.ApiKey                 { return r.Key }
func (r *GroupResponse) ApiKey() protocol.ApiKey                { return r.key }
func (r *GroupRequest) Required(map[protocol.ApiKey]int16) bool { return true }

// Group has kafka-go look up the coordinator before each request: one that moved is found at once.
func (r *GroupRequest) Group() string { return r.GroupID }

// RawExchange writes the request and reads the answer.
func (r *GroupRequest) RawExchange(rw io.ReadWriter) (protocol.Message, error) {
	out := appendHeader(make([]byte, 0, 64+len(r.Body)), r.Key, r.Version, r.ClientID)
	out = append(out, r.Body...)
	finish(out)
	if _, err := rw.Write(out); err != nil {
		return nil, fmt.Errorf("write %s request: %w", r.Key, err)
	}
	raw, err := readResponse(rw, nil)
	if err != nil {
		return nil, err
	}
	return &GroupResponse{r.Key, raw}, nil
}

// Body reads the answer from its begin: throttle time, error code, and what the request asked for.
func (r *GroupResponse) Body() *Reader { return NewReader(r.raw) }
