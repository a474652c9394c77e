export default {
  signedInAs: 'Signed in as {name}',
  change: 'Change password',
  old: 'Password of today',
  new: 'New password',
  repeat: 'New password again',
  rule: 'At least eight characters',
  differ: 'The two are not equal',
  changed: 'The password was changed; other sessions of yours were ended',
}
