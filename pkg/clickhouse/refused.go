package clickhouse

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2/lib/proto"
)

// Codes of ClickHouse's src/Common/ErrorCodes.cpp.
const (
	timeoutExceeded      = 159
	replicaAlreadyExists = 253
	accessDenied         = 497
)

// lacking is how the server names a right that a user lacks.
var lacking = regexp.MustCompile(`necessary to have the grant (.+?)(?: for at least one column)? (?:ON|on) ([^\s()]+?)\.? ?(\(|$)`)

// plain puts what to do about it before what the server says when it refuses a statement. The error stays of its class.
func (m *migrator) plain(err error) error {
	var exception *proto.Exception
	if !errors.As(err, &exception) {
		return err
	}
	switch {
	case exception.Code == accessDenied:
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
	case exception.Code == replicaAlreadyExists:
		return fmt.Errorf("the replica is in Keeper already: of a table that was dropped without SYNC less than 8 minutes ago, or of another server by the same name (tables.replica): %w", err)
	case exception.Code == timeoutExceeded && m.tables.replicated():
		return fmt.Errorf("not every server has done it yet; they will when they can, and setup may be run again: %w", err)
	case strings.Contains(exception.Message, "renameat2"):
		return fmt.Errorf("the file system of ClickHouse's data cannot exchange two files at once, which replacing a view needs: %w", err)
	}
	return err
}
