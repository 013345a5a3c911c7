package recorder

import "slices"

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
)

// wireItems maps data.type on the wire to the item type. An item's own name is accepted beside its short form.
var wireItems = map[string]string{
	"wt": Walkthru, Walkthru: Walkthru,
	"ln": Launcher, Launcher: Launcher,
	"so": Shoutout, Shoutout: Shoutout,
	"st": Smarttip, Smarttip: Smarttip,
	"sv": Survey, Survey: Survey,
	"tk": Task, Task: Task,
	"cr": Course, Course: Course,
	"rs": Resource, Resource: Resource,
	"mn": Menu, Menu: Menu,
	"sr": Search, Search: Search,
	"ap": Autoplay, Autoplay: Autoplay,
	PageView:    PageView,
	SessionItem: SessionItem,
	Custom:      Custom,
}

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
}

// ItemType translates data.type; false when this version does not know it.
func (e *Event) ItemType() (string, bool) {
	itemType, known := wireItems[e.Data.Type]
	return itemType, known
}

// Known tells whether items of itemType have the event.
func Known(itemType, event string) bool { return slices.Contains(itemEvents[itemType], event) }
