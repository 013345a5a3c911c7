package clickhouse

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

const (
	accessDenied      = 497
	renameUnsupported = "renameat2"
)

// lacking is how the server names a right that a user lacks.
var lacking = regexp.MustCompile(`necessary to have the grant (.+?) ON ([^\s()]+?)\.? ?(\(|$)`)

// plain adds to what the server refuses what to do about it.
func (m *migrator) plain(err error) error {
	var exception *proto.Exception
	if !errors.As(err, &exception) {
		return err
	}
	if strings.Contains(exception.Message, renameUnsupported) {
		return fmt.Errorf("the file system of ClickHouse's data cannot exchange two files at once, which replacing a view needs: %w", err)
	}
	if exception.Code != accessDenied {
		return err
	}
	match := lacking.FindStringSubmatch(exception.Message)
	if match == nil {
		return err
	}
	on := match[2]
	if strings.Contains(on, "._tmp_replace_") {
		// A view is made under such a name, another each time, before it takes its place.
		on = m.cfg.Database + ".*"
	}
	return fmt.Errorf("user %s lacks a right; GRANT %s ON %s TO %s: %w", m.cfg.User, match[1], on, m.cfg.User, err)
}
