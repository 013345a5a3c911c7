package retry_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/waymark-events/waymark/pkg/retry"
)

func ExamplePolicy_Do() {
	away := errors.New("away")
	tries := 0
	err := retry.Policy{
		First: time.Millisecond, Last: time.Second,
		Passes: func(err error) bool { return errors.Is(err, away) },
	}.Do(context.Background(), func() error {
		if tries++; tries < 3 {
			return away
		}
		return nil
	})
	fmt.Println(tries, err)
	// Output: 3 <nil>
}
