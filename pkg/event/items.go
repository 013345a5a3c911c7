package event

import (
	"maps"
	"slices"
)

// Item types as analysts see them (column item_type).
const (
	Walkthru    = "walkthru"
	Launcher    = "launcher"
	Shoutout    = "shoutout"
	Smarttip    = "smarttip"
	Survey      = "survey"
	Task        = "task"
	Course      = "course"
	Resource    = "resource"
	Menu        = "menu"
	Search      = "search"
	Autoplay    = "autoplay"
	PageView    = "page"
	SessionItem = "session"
	Custom      = "custom"
	UserItem    = "user" // what is said of the end user, in formats that have calls for it
)

// itemEvents lists the events (type on the wire, column event) that each item has.
var itemEvents = map[string][]string{
	Walkthru:    {"play", "play_failed", "step", "milestone", "goal", "complete", "stop"},
	Launcher:    {"show", "click"},
	Shoutout:    {"show", "click", "action", "close", "snooze"},
	Smarttip:    {"show", "interact", "validation_pass", "validation_fail"},
	Survey:      {"show", "submit", "dismiss"},
	Task:        {"click", "complete"},
	Course:      {"open", "lesson_start", "lesson_complete", "quiz_start", "quiz_submit", "complete"},
	Resource:    {"open"},
	Menu:        {"open", "close"},
	Search:      {"open", "close", "search"},
	Autoplay:    {"play", "already_played"},
	PageView:    {"view"},
	SessionItem: {"start", "end"},
	Custom:      {"track"},
	UserItem:    {"identify", "group", "alias"},
}

// Known tells whether items of itemType have the event.
func Known(itemType, what string) bool { return slices.Contains(itemEvents[itemType], what) }

// ItemEvents are the events that items of itemType have.
func ItemEvents(itemType string) []string { return slices.Clone(itemEvents[itemType]) }

// ItemTypes are all item types.
func ItemTypes() []string { return slices.Sorted(maps.Keys(itemEvents)) }
