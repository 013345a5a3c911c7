package demo

// An app is a web application with guidance laid over it.
type app struct {
	name, host string
	pages      []page
	walkthrus  []walkthru
	tasks      []item // task i is done by playing walkthrus[i], or without it
	launchers  []item
	shoutouts  []item
	smarttips  []item
	resources  []item
	survey     survey
	course     course
	menu       item
	searches   []search
	orders     string // name of the custom event
}

type page struct{ path, title string }

// An item is anything with an id and a name.
type item struct{ id, name string }

type walkthru struct {
	item
	steps     []string
	milestone string // reached at the middle step
	goal      string
	rule      *item // the auto-play rule that starts it on a first visit
}

type survey struct {
	item
	questions []string // the first is answered with 0 to 10
	remarks   []string // answers to the others
}

type course struct {
	item
	lessons []string
}

// A search finds target, or nothing when target is the zero item.
type search struct {
	query  string
	target item
}

// apps are dealt out to the accounts in turn, two to each.
var apps = []app{
	{
		name: "ShopMe", host: "shop.example",
		pages: []page{
			{"/", "Pink Alligator - ShopMe"}, {"/account/login", "Log in - ShopMe"}, {"/catalogue/shoes", "Shoes - ShopMe"},
			{"/catalogue/bags", "Bags - ShopMe"}, {"/cart", "Your cart - ShopMe"}, {"/checkout", "Checkout - ShopMe"},
			{"/account/orders", "Your orders - ShopMe"}, {"/account/returns", "Returns - ShopMe"},
		},
		walkthrus: []walkthru{
			{item{"124909", "Log in"}, []string{"Open the menu", "Enter your e-mail", "Enter your password", "Press Log in"}, "Credentials entered", "Signed in", &item{"55", "First visit"}},
			{item{"124910", "Return an order"}, []string{"Open your orders", "Choose the order", "Choose the items", "Say why", "Choose a label", "Print it"}, "Items chosen", "Return registered", nil},
			{item{"124911", "Pay with a gift card"}, []string{"Open the cart", "Press Checkout", "Choose gift card", "Enter its number"}, "Checkout opened", "Gift card accepted", nil},
		},
		tasks:     []item{{"6101", "Sign in for the first time"}, {"6102", "Find the returns desk"}, {"6103", "Use a gift card"}},
		launchers: []item{{"2201", "Need help?"}, {"2202", "How do returns work?"}},
		shoutouts: []item{{"3107", "New: gift cards"}, {"3108", "Free returns until Sunday"}},
		smarttips: []item{{"4410", "At least 12 characters"}, {"4411", "Postal code without spaces"}, {"4412", "What is a CVC?"}},
		resources: []item{{"8801", "Delivery times (PDF)"}, {"8802", "Size chart"}},
		survey:    survey{item{"518", "How was it?"}, []string{"How easy was it?", "What was missing?"}, []string{"Nothing", "Filters by size", "A dark theme", "Faster checkout"}},
		course:    course{item{"720", "Selling in the shop"}, []string{"Orders", "Returns", "Gift cards"}},
		menu:      item{"940", "Help"},
		searches: []search{
			{"change password", item{"124909", "Log in"}}, {"return shoes", item{"124910", "Return an order"}},
			{"gift card", item{"124911", "Pay with a gift card"}}, {"fax number", item{}}, {"student discount", item{}},
		},
		orders: "Order placed",
	},
	{
		name: "Harbor CRM", host: "crm.example",
		pages: []page{
			{"/home", "Home - Harbor CRM"}, {"/leads", "Leads - Harbor CRM"}, {"/leads/new", "New lead - Harbor CRM"},
			{"/opportunities", "Opportunities - Harbor CRM"}, {"/reports", "Reports - Harbor CRM"}, {"/settings/team", "Team - Harbor CRM"},
		},
		walkthrus: []walkthru{
			{item{"200100", "Create your first lead"}, []string{"Open Leads", "Press New", "Name the company", "Add a contact", "Save"}, "Contact added", "Lead saved", &item{"61", "New seller"}},
			{item{"200101", "Forecast a quarter"}, []string{"Open Opportunities", "Filter by quarter", "Set the stage", "Set the probability", "Open the forecast", "Compare", "Commit"}, "Probability set", "Forecast committed", nil},
			{item{"200102", "Invite a colleague"}, []string{"Open Team", "Press Invite", "Choose a role"}, "Invite opened", "Colleague invited", nil},
		},
		tasks:     []item{{"6201", "Enter a lead"}, {"6202", "Commit a forecast"}, {"6203", "Invite your team"}},
		launchers: []item{{"2301", "Show me how"}, {"2302", "What changed?"}},
		shoutouts: []item{{"3201", "The quarter closes on Friday"}, {"3202", "Reports are faster"}},
		smarttips: []item{{"4501", "Probability in per cent"}, {"4502", "Name it as it is registered"}},
		resources: []item{{"8901", "Stages of a sale"}, {"8902", "Price list"}},
		survey:    survey{item{"601", "Would you recommend Harbor?"}, []string{"Would you recommend Harbor to a colleague?", "Why?"}, []string{"It is quick", "Too many fields", "Good reports", "The search"}},
		course:    course{item{"801", "Selling with Harbor"}, []string{"Leads", "Opportunities", "Forecasts", "Reports"}},
		menu:      item{"950", "Coach"},
		searches: []search{
			{"new lead", item{"200100", "Create your first lead"}}, {"forecast", item{"200101", "Forecast a quarter"}},
			{"invite", item{"200102", "Invite a colleague"}}, {"merge duplicates", item{}}, {"export to excel", item{}},
		},
		orders: "Deal won",
	},
	{
		name: "Kolibri HR", host: "hr.example",
		pages: []page{
			{"/", "Start - Kolibri HR"}, {"/absence", "Absence - Kolibri HR"}, {"/absence/new", "Request leave - Kolibri HR"},
			{"/payslips", "Payslips - Kolibri HR"}, {"/profile", "Profile - Kolibri HR"}, {"/learning", "Learning - Kolibri HR"},
		},
		walkthrus: []walkthru{
			{item{"310001", "Request leave"}, []string{"Open Absence", "Press Request", "Choose the days", "Choose the kind", "Send"}, "Days chosen", "Leave requested", &item{"71", "First week"}},
			{item{"310002", "Change your bank account"}, []string{"Open Profile", "Open Payment", "Enter the IBAN", "Confirm by code"}, "IBAN entered", "Account changed", nil},
			{item{"310003", "Report a sick day"}, []string{"Open Absence", "Press Sick today", "Upload the note"}, "Sick day opened", "Sick day reported", nil},
		},
		tasks:     []item{{"6301", "Plan your first leave"}, {"6302", "Add your bank account"}, {"6303", "Know how to call in sick"}},
		launchers: []item{{"2401", "Help with leave"}, {"2402", "Where is my payslip?"}},
		shoutouts: []item{{"3301", "Payslips of the month are here"}, {"3302", "Plan your summer leave"}},
		smarttips: []item{{"4601", "An IBAN has 15 to 34 characters"}, {"4602", "Half days are possible"}},
		resources: []item{{"9001", "Travel policy"}, {"9002", "Public holidays"}},
		survey:    survey{item{"701", "Your first week"}, []string{"How was your first week?", "What would have helped?"}, []string{"A map", "A buddy", "Nothing, thanks", "Earlier access"}},
		course:    course{item{"901", "Data protection at work"}, []string{"Why it matters", "What is personal", "Whom to tell"}},
		menu:      item{"960", "Ask Koli"},
		searches: []search{
			{"holiday request", item{"310001", "Request leave"}}, {"iban", item{"310002", "Change your bank account"}},
			{"sick", item{"310003", "Report a sick day"}}, {"parking space", item{}}, {"company bike", item{}},
		},
		orders: "Payslip downloaded",
	},
	{
		name: "Fjord Procure", host: "procure.example",
		pages: []page{
			{"/", "Desk - Fjord Procure"}, {"/requests", "Requests - Fjord Procure"}, {"/requests/new", "New request - Fjord Procure"},
			{"/suppliers", "Suppliers - Fjord Procure"}, {"/approvals", "Approvals - Fjord Procure"}, {"/invoices", "Invoices - Fjord Procure"},
		},
		walkthrus: []walkthru{
			{item{"420001", "Order from a catalogue"}, []string{"Press New request", "Open the catalogue", "Add to the basket", "Choose the cost centre", "Send for approval"}, "Basket filled", "Request sent", &item{"81", "First login"}},
			{item{"420002", "Add a supplier"}, []string{"Open Suppliers", "Press Add", "Enter the VAT number", "Upload the contract", "Ask for a check", "Send"}, "VAT number checked", "Supplier added", nil},
			{item{"420003", "Approve a request"}, []string{"Open Approvals", "Read the request", "Approve or refuse"}, "Request read", "Decision made", nil},
		},
		tasks:     []item{{"6401", "Make a request"}, {"6402", "Register a supplier"}, {"6403", "Decide a request"}},
		launchers: []item{{"2501", "Start here"}, {"2502", "Who approves this?"}},
		shoutouts: []item{{"3401", "New limits for approvals"}, {"3402", "The old portal closes"}},
		smarttips: []item{{"4701", "The cost centre has six digits"}, {"4702", "VAT number with its country"}},
		resources: []item{{"9101", "Buying policy"}, {"9102", "Framework contracts"}},
		survey:    survey{item{"801", "After your request"}, []string{"How clear was the form?", "Which field was not?"}, []string{"Cost centre", "None", "Delivery date", "Category"}},
		course:    course{item{"1001", "Buying the right way"}, []string{"Who may buy", "Three offers", "Invoices"}},
		menu:      item{"970", "Guide"},
		searches: []search{
			{"order laptop", item{"420001", "Order from a catalogue"}}, {"new supplier", item{"420002", "Add a supplier"}},
			{"approve", item{"420003", "Approve a request"}}, {"credit note", item{}}, {"cancel order", item{}},
		},
		orders: "Request sent",
	},
}
