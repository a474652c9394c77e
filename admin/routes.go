package admin

// Rules that the description of the API tells.
const (
	lockRule    = "When the trial is over, {\"status\":\"locked\"}, with end_active_calls or without, is all that is taken; everything else answers license-expired."
	billingRule = "The first activation begins the trial of 30 days. When that is over without a licence, billing can be deactivated, and not activated again (license-expired)."
)

const logoutID = "logout"

// routes lists the API: who may do what, where, under which name.
func (s *Server) routes() {
	route(s, anyone, "POST /login", "login", "Log in", s.login, asks)
	route(s, everyone, "POST /logout", logoutID, "End the session", s.logout, asks, noContent)
	route(s, everyone, "GET /me", "get-me", "Who am I?", s.getMe)
	route(s, everyone, "PUT /me/password", "put-password", "Change the own password", s.putPassword, evenExpired)

	listing(s, everyone, "GET /extensions", "list-extensions", "List extensions with their money", s.listExtensions, s.extensionSheet, csvType)
	route(s, managers, "POST /extensions", "create-extension", "Add an extension", s.createExtension)
	route(s, managers, "PATCH /extensions", "edit-extensions", "Edit many extensions at once, all or none", s.editExtensions, evenExpired, says(lockRule))
	route(s, managers, "POST /extensions/import", "import-extensions", "Add and edit extensions from a sheet, all or none", s.importExtensions, imports(extensionSheetRule))
	route(s, everyone, "GET /extensions/{number}", "get-extension", "One extension", s.getExtension)
	route(s, managers, "PATCH /extensions/{number}", "edit-extension", "Edit an extension", s.editExtension, evenExpired, says(lockRule))
	route(s, managers, "DELETE /extensions/{number}", "delete-extension", "Delete an extension", s.deleteExtension)

	route(s, managers, "POST /recharges", "recharge", "Recharge one or many extensions, all or none", s.recharge)
	route(s, everyone, "POST /recharges/preview", "preview-recharge", "What a recharge would do", s.previewRecharge, asks)
	listing(s, everyone, "GET /recharges", "list-recharges", "Recharge history", s.listRecharges, s.rechargeFile, csvType, xlsxType)

	listing(s, everyone, "GET /rates", "list-rates", "List rates", s.listRates, s.rateSheet, csvType)
	route(s, managers, "POST /rates", "create-rate", "Add a rate", s.createRate, large, says(priceRule))
	route(s, managers, "POST /rates/import", "import-rates", "Add and edit rates from a sheet, all or none", s.importRates, imports(rateSheetRule))
	route(s, everyone, "POST /rates/quote", "quote", "Which rate bills a call, what it costs, how long the money lasts", s.quote, asks)
	route(s, everyone, "GET /rates/{id}", "get-rate", "One rate", s.getRate)
	route(s, managers, "PUT /rates/{id}", "replace-rate", "Replace a rate", s.replaceRate, large)
	route(s, managers, "PATCH /rates/{id}", "edit-rate", "Edit a rate", s.editRate, large)
	route(s, managers, "DELETE /rates/{id}", "delete-rate", "Delete a rate", s.deleteRate)

	listing(s, everyone, "GET /calls", "list-calls", "Call log", s.listCalls, s.callFile, csvType, xlsxType)
	route(s, everyone, "GET /calls/unrated", "list-unrated", "Destinations that found no rate, and calls that passed unbilled", s.listUnrated)
	route(s, everyone, "GET /calls/{id}", "get-call", "One call, its cost explained step by step", s.getCall)
	route(s, everyone, "GET /active-calls", "list-active-calls", "Calls that ring or talk now", s.listActiveCalls)
	route(s, everyone, "GET /active-calls/events", "follow-calls", "Follow the calls as they come, change and end", s.followCalls, s.eventStream)
	route(s, managers, "DELETE /active-calls/{id}", "hang-up", "Hang up a call", s.hangUp, evenExpired)
	listing(s, everyone, "GET /statistics", "statistics", "Answered calls by day, month or year", s.statistics, s.statisticsFile, csvType, xlsxType)

	route(s, everyone, "GET /dashboard", "dashboard", "Calls now, today's sums, low balances, trunks, refusals", s.dashboard)

	s.systemRoutes()
}

// systemRoutes are those of the installation itself: settings, licence, where calls go, who may come in.
func (s *Server) systemRoutes() {
	route(s, everyone, "GET /settings", "get-settings", "Settings of the installation", s.getSettings)
	route(s, managers, "PUT /settings", "replace-settings", "Change settings", s.replaceSettings, evenExpired, says(settingsRule))
	route(s, admins, "GET /billing", "get-billing", "Is billing active, and until when?", s.getBilling)
	route(s, admins, "PUT /billing", "replace-billing", "Activate or deactivate billing", s.replaceBilling, evenExpired, says(billingRule))
	route(s, admins, "GET /license/source", "get-license-source", "Download the billing source file billing.ac, for the vendor", s.getLicenseSource, sourceContent)
	route(s, admins, "POST /license", "upload-license", "Upload the licence that the vendor has issued", s.uploadLicense, evenExpired, uploadContent)

	route(s, admins, "GET /trunks", "list-trunks", "List trunks with their health", s.listTrunks)
	route(s, admins, "POST /trunks", "create-trunk", "Add a trunk", s.createTrunk, evenExpired)
	route(s, admins, "GET /trunks/{name}", "get-trunk", "One trunk", s.getTrunk)
	route(s, admins, "PATCH /trunks/{name}", "edit-trunk", "Edit a trunk", s.editTrunk, evenExpired)
	route(s, admins, "DELETE /trunks/{name}", "delete-trunk", "Delete a trunk", s.deleteTrunk, evenExpired)

	route(s, admins, "GET /dial-rules", "list-dial-rules", "List dial rules", s.listDialRules)
	route(s, admins, "POST /dial-rules", "create-dial-rule", "Add a dial rule", s.createDialRule, evenExpired)
	route(s, admins, "POST /dial-rules/test", "test-dial-rules", "Where a number would go", s.testDialRules, asks)
	route(s, admins, "GET /dial-rules/{id}", "get-dial-rule", "One dial rule", s.getDialRule)
	route(s, admins, "PATCH /dial-rules/{id}", "edit-dial-rule", "Edit a dial rule", s.editDialRule, evenExpired)
	route(s, admins, "DELETE /dial-rules/{id}", "delete-dial-rule", "Delete a dial rule", s.deleteDialRule, evenExpired)

	route(s, admins, "GET /managers", "list-managers", "List billing managers and viewers", s.listManagers)
	route(s, admins, "POST /managers", "create-manager", "Make a billing manager or viewer; the password is shown this once", s.createManager, evenExpired)
	route(s, admins, "PUT /managers/{name}/password", "put-manager-password", "Set a password, or have one made; the user's sessions end", s.putManagerPassword, evenExpired)
	route(s, admins, "DELETE /managers/{name}", "delete-manager", "Delete a user; sessions and tokens end at once", s.deleteManager, evenExpired)

	route(s, admins, "GET /tokens", "list-tokens", "List API tokens", s.listTokens)
	route(s, admins, "POST /tokens", "create-token", "Make an API token; it is shown this once", s.createToken, evenExpired)
	route(s, admins, "DELETE /tokens/{id}", "delete-token", "Withdraw an API token", s.deleteToken, evenExpired)

	route(s, admins, "GET /audit-log", "list-audit-log", "Who changed what, and who tried", s.listAuditLog)

	route(s, admins, "GET /webhooks/dead-letters", "list-dead-letters", "Events that a webhook could not be told of for a day", s.listDeadLetters)
	route(s, admins, "POST /webhooks/dead-letters/{id}/retry", "retry-dead-letter", "Try for another day", s.retryDeadLetter, evenExpired)
}
