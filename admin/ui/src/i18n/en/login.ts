export default {
  title: 'Sign in to Tollgate',
  username: 'User name',
  password: 'Password',
  submit: 'Sign in',
  wrong: 'The user name or the password is wrong.',
  again: 'Your session has ended',
  againDetail: 'Sign in again to go on. What you typed is kept and will be sent.',
  other: 'Sign in as somebody else',
  expired: {
    title: 'Billing managers cannot sign in now',
    detail: 'The free trial is over and no license is uploaded. Calls are still charged.',
    step1: 'Ask the administrator to sign in and open Billing settings.',
    step2: 'There, download billing.ac, send it to your distributor, and upload the license that comes back. Then sign in here again.',
  },
  forgotten: 'The administrator’s password can be set on the server: tollgate admin passwd',
}
