package recorder_test

import (
	"fmt"

	"github.com/waymark-events/waymark/pkg/recorder"
)

func ExampleDecode() {
	var e recorder.Event
	err := recorder.Decode([]byte(`{"time": 1551784021000, "type": "play", "data": {"type": "wt", "oId": 124909, "oName": "Log in"}}`), &e)
	item, _ := e.ItemType()
	fmt.Println(item, e.Data.ID, e.Data.Name, err)
	// Output: walkthru 124909 Log in <nil>
}
