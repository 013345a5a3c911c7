package config_test

import (
	"errors"
	"fmt"

	"github.com/waymark-events/waymark/pkg/config"
)

type settings struct {
	Rows int `yaml:"rows"`
}

func (s *settings) Validate() error {
	if s.Rows < 1 {
		return errors.New("rows: want at least 1")
	}
	return nil
}

func ExampleLoad() {
	s := &settings{Rows: 100}
	err := config.Load(s, "sink", "", []string{"WAYMARK_SINK_ROWS=250"})
	fmt.Println(s.Rows, err)
	// Output: 250 <nil>
}
