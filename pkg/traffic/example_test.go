package traffic_test

import (
	"fmt"

	"github.com/waymark-events/waymark/pkg/traffic"
)

func ExampleOf() {
	fmt.Println(traffic.Of("https://shop.example/", "shop.example", "www.google.co.uk").Source)
	v := traffic.Of("https://shop.example/?utm_source=newsletter&utm_medium=email", "shop.example", "")
	fmt.Println(v.Source, v.UTM.Source, v.UTM.Medium)
	// Output:
	// search
	// campaign newsletter email
}
