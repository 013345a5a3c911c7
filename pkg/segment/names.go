package segment

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/go-json-experiment/json/jsontext"

	"github.com/waymark-events/waymark/pkg/event"
	"github.com/waymark-events/waymark/pkg/lenient"
	"github.com/waymark-events/waymark/pkg/recorder"
)

// A Rule says which item and which of its events a track call of some name is.
type Rule struct {
	// Item is the kind of item, in the recorder's words: wt or walkthru.
	Item string `yaml:"item"`
	// Event is what happened to it: play, step, complete, …
	Event string `yaml:"event"`
	// Properties name the account's own property for a field, where it is not the field's own name: {item_id: tour_id}. See Fields.
	Properties map[string]string `yaml:"properties"`
}

// Validate says what is wrong with the rule for events called name.
func (rule Rule) Validate(name string) error {
	itemType, known := recorder.ItemType(rule.Item)
	switch {
	case strings.TrimSpace(name) == "" || utf8.RuneCountInString(name) > lenient.MaxName:
		return fmt.Errorf("want an event's name of 1–%d characters", lenient.MaxName)
	case !known:
		return errors.New("item: want one of wt, ln, so, st, sv, tk, cr, rs, mn, sr, ap, page, session, custom, or its long name")
	case !event.Known(itemType, rule.Event):
		return fmt.Errorf("event: a %s has %s", itemType, strings.Join(event.ItemEvents(itemType), ", "))
	}
	for _, field := range slices.Sorted(maps.Keys(rule.Properties)) {
		property := rule.Properties[field]
		switch {
		case !slices.Contains(Fields, field):
			return fmt.Errorf("properties: want names among %s", strings.Join(Fields, ", "))
		case property == "" || utf8.RuneCountInString(property) > lenient.MaxNameLength:
			return fmt.Errorf("properties.%s: want a property's name of 1–%d characters", field, lenient.MaxNameLength)
		}
	}
	return nil
}

// Fields are the properties of a recognized event that become columns, or parts of detail; its other properties stay what they are.
var Fields = []string{
	"item_id", "item_name", "item_language", "interaction_id", "step_id", "step_index", "step_count", "step_name", "iteration", "preview",
	"trigger", "dismiss_reason", "failure_reason", "environment", "session_id",
	"init", "error", "goal", "lesson", "quiz", "answers", "query", "result", "action", "rule",
}

// Names are the track calls that are recognized without a rule of the account.
var Names = map[string]Rule{
	"Walkthru Played":            {Item: event.Walkthru, Event: "play"},
	"Walkthru Play Failed":       {Item: event.Walkthru, Event: "play_failed"},
	"Walkthru Step Shown":        {Item: event.Walkthru, Event: "step"},
	"Walkthru Milestone Reached": {Item: event.Walkthru, Event: "milestone"},
	"Walkthru Goal Reached":      {Item: event.Walkthru, Event: "goal"},
	"Walkthru Completed":         {Item: event.Walkthru, Event: "complete"},
	"Walkthru Stopped":           {Item: event.Walkthru, Event: "stop"},
	"Launcher Shown":             {Item: event.Launcher, Event: "show"},
	"Launcher Clicked":           {Item: event.Launcher, Event: "click"},
	"Shoutout Shown":             {Item: event.Shoutout, Event: "show"},
	"Shoutout Clicked":           {Item: event.Shoutout, Event: "click"},
	"Shoutout Action Clicked":    {Item: event.Shoutout, Event: "action"},
	"Shoutout Closed":            {Item: event.Shoutout, Event: "close"},
	"Shoutout Snoozed":           {Item: event.Shoutout, Event: "snooze"},
	"Smarttip Shown":             {Item: event.Smarttip, Event: "show"},
	"Smarttip Interacted":        {Item: event.Smarttip, Event: "interact"},
	"Smarttip Validation Passed": {Item: event.Smarttip, Event: "validation_pass"},
	"Smarttip Validation Failed": {Item: event.Smarttip, Event: "validation_fail"},
	"Survey Shown":               {Item: event.Survey, Event: "show"},
	"Survey Submitted":           {Item: event.Survey, Event: "submit"},
	"Survey Dismissed":           {Item: event.Survey, Event: "dismiss"},
	"Task Clicked":               {Item: event.Task, Event: "click"},
	"Task Completed":             {Item: event.Task, Event: "complete"},
	"Course Opened":              {Item: event.Course, Event: "open"},
	"Course Lesson Started":      {Item: event.Course, Event: "lesson_start"},
	"Course Lesson Completed":    {Item: event.Course, Event: "lesson_complete"},
	"Course Quiz Started":        {Item: event.Course, Event: "quiz_start"},
	"Course Quiz Submitted":      {Item: event.Course, Event: "quiz_submit"},
	"Course Completed":           {Item: event.Course, Event: "complete"},
	"Resource Opened":            {Item: event.Resource, Event: "open"},
	"Menu Opened":                {Item: event.Menu, Event: "open"},
	"Menu Closed":                {Item: event.Menu, Event: "close"},
	"Search Opened":              {Item: event.Search, Event: "open"},
	"Search Closed":              {Item: event.Search, Event: "close"},
	"Search Performed":           {Item: event.Search, Event: "search"},
	"Autoplay Played":            {Item: event.Autoplay, Event: "play"},
	"Autoplay Already Played":    {Item: event.Autoplay, Event: "already_played"},
	"Page Viewed":                {Item: event.PageView, Event: "view"},
	"Session Started":            {Item: event.SessionItem, Event: "start"},
	"Session Ended":              {Item: event.SessionItem, Event: "end"},
}

// Recognize makes a track call that has the name of an item's event into that: by the account's own rules first, then by Names. Of any other event
// it changes nothing. It must be done before a visitor is derived from the event, since a play may be all that is known of them.
func Recognize(sent *event.Sent, own map[string]Rule) {
	if sent.Name == "" {
		return
	}
	rule, known := own[sent.Name]
	if !known {
		if rule, known = Names[sent.Name]; !known {
			return
		}
	}
	itemType, known := recorder.ItemType(rule.Item)
	if !known || !event.Known(itemType, rule.Event) {
		return // Validate lets none through
	}
	sent.ItemType, sent.Event = itemType, rule.Event
	if len(sent.Props) == 0 {
		return
	}
	f := fields{sent: sent, byProperty: rule.byProperty()}
	f.Reset(sent.Props, string(sent.Props), nil)
	if f.Object("$", f.member) != nil {
		return // the message's decoder has read it before
	}
	sent.Props = nil
	if f.own != nil {
		sent.Props = append(f.own, '}')
	}
	sent.Warnings = append(sent.Warnings, f.Warnings()...)
}

// byProperty is the field that each property fills.
func (rule Rule) byProperty() map[string]string {
	if len(rule.Properties) == 0 {
		return ownNames
	}
	out := make(map[string]string, len(Fields))
	for _, field := range Fields {
		out[cmp.Or(rule.Properties[field], field)] = field
	}
	for field, property := range rule.Properties {
		out[property] = field // before a field of that name
	}
	return out
}

// ownNames are the fields by their own names.
var ownNames = func() map[string]string {
	out := make(map[string]string, len(Fields))
	for _, field := range Fields {
		out[field] = field
	}
	return out
}()

// fields reads an event's properties into the fields of its item.
type fields struct {
	lenient.Reader
	sent       *event.Sent
	byProperty map[string]string
	own        jsontext.Value // what stays
}

func (f *fields) member(name string) error {
	s := f.sent
	field := f.byProperty[name]
	path := "$.properties." + field
	switch field {
	case "":
		v, _, err := f.Scalar("$.properties")
		if err != nil {
			return err
		}
		quoted, _ := jsontext.AppendQuote(nil, name) // it is Unicode
		f.own = lenient.AppendMember(f.own, quoted, f.Bytes(len(v)))
		return nil
	case "item_id":
		return f.ID(path, lenient.MaxID, lenient.AnItem, &s.ItemID)
	case "item_name":
		return f.String(path, lenient.MaxName, &s.ItemName)
	case "item_language":
		return f.String(path, lenient.MaxWord, &s.ItemLanguage)
	case "interaction_id":
		return f.ID(path, lenient.MaxPlayID, lenient.APlay, &s.InteractionID)
	case "step_id":
		return f.ID(path, lenient.MaxID, lenient.AnItem, &s.Step.ID)
	case "step_index":
		n, ok, err := f.Whole(path, lenient.MaxStepIndex, math.Floor)
		if ok {
			s.Step.Index, s.Step.Indexed = int32(n), true
		}
		return err
	case "step_count":
		return f.Count(path, lenient.MaxStepIndex, &s.Step.Count)
	case "step_name":
		return f.String(path, lenient.MaxName, &s.Step.Name)
	case "iteration":
		return f.Count(path, lenient.MaxStepIndex, &s.Iteration)
	case "preview":
		return f.Boolean(path, &s.Preview)
	case "trigger":
		return f.String(path, lenient.MaxWord, &s.Trigger)
	case "dismiss_reason":
		return f.String(path, lenient.MaxWord, &s.DismissReason)
	case "failure_reason":
		return f.String(path, lenient.MaxWord, &s.FailureReason)
	case "environment":
		return f.String(path, lenient.MaxWord, &s.Environment)
	case "session_id":
		return f.ID(path, lenient.MaxID, lenient.APerson, &s.Session)
	}
	return f.detail(path, field)
}

// detail keeps a property as a member of detail, in the shape that the recorder's has.
func (f *fields) detail(path, field string) error {
	var value jsontext.Value
	var err error
	switch field {
	case "query":
		err = f.Quoted(path, &value)
	case "answers":
		err = f.Raw(path, lenient.AnArray, lenient.MaxDetailNames, &value)
	case "result":
		err = f.Raw(path, lenient.AnObjectOrNull, lenient.MaxDetailNames, &value)
	default:
		err = f.Raw(path, lenient.AnObject, lenient.MaxDetailNames, &value)
	}
	if value != nil {
		f.sent.Details = append(f.sent.Details, event.Detail{Name: field, Value: value})
	}
	return err
}
