// All words of the pages. One file a page, so that people can work on pages side by side. In messages, @ { } and | are
// special: write {'@'}. n selects a plural: 'one row | {n} rows'.
import shell from './shell'
import common from './common'
import csv from './csv'
import problem from './problem'
import login from './login'
import dashboard from './dashboard'
import extensions from './extensions'
import rates from './rates'
import recharges from './recharges'
import calls from './calls'
import statistics from './statistics'
import active from './active'
import trunks from './trunks'
import settings from './settings'
import billing from './billing'
import managers from './managers'
import tokens from './tokens'
import audit from './audit'
import account from './account'

export default { shell, common, csv, problem, login, dashboard, extensions, rates, recharges, calls, statistics, active, trunks, settings, billing, managers, tokens, audit, account }
