package cluster

import (
	"errors"
	"fmt"
	"io"

	kafkago "github.com/segmentio/kafka-go"
	"github.com/segmentio/kafka-go/protocol"
)

// What Explain makes of kafka-go's errors; pkg/kafka says what they mean.
var (
	ErrUnknownTopic = errors.New("kafka: no such topic, or no right to see it")
	ErrFenced       = errors.New("kafka: the generation is over")
	// ErrNoAnswer is no word of a broker's: its answer has none on what was asked.
	ErrNoAnswer = errors.New("kafka: the broker's answer leaves out what was asked for")
)

// Explain turns kafka-go's errors into pkg/kafka's.
func Explain(err error) error {
	var code kafkago.Error
	switch {
	case err == nil:
		return nil
	case errors.Is(err, protocol.ErrNoTopic), errors.Is(err, protocol.ErrNoPartition):
		return fmt.Errorf("%w: %w", ErrUnknownTopic, err)
	case errors.As(err, &code):
		switch code {
		case kafkago.UnknownTopicOrPartition:
			return fmt.Errorf("%w: %w", ErrUnknownTopic, err)
		case kafkago.IllegalGeneration, kafkago.UnknownMemberId, kafkago.RebalanceInProgress, kafkago.FencedInstanceID:
			return fmt.Errorf("%w: %w", ErrFenced, err)
		}
	case errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF):
		// A broker answers wrong credentials, and plain text on a TLS port, by closing the connection.
		return fmt.Errorf("the broker closed the connection (if this persists: check tls and sasl): %w", err)
	}
	return err
}
