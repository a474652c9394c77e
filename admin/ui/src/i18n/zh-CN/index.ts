import type { Messages } from '..'
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

// A word that is missing here fails the type check.
const messages: Messages = { shell, common, csv, problem, login, dashboard, extensions, rates, recharges, calls, statistics, active, trunks, settings, billing, managers, tokens, audit, account }
export default messages
