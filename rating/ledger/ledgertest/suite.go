package ledgertest

import (
	"testing"

	"github.com/redis/go-redis/v9"
)

// Suite runs the conformance suite against one store. Its subtests use extensions of their own and run side by side;
// when they are through, the laws are proved for all of them together.
func Suite(t *testing.T, client redis.UniversalClient) {
	t.Run("suite", func(t *testing.T) {
		for name, test := range tests {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				test(newWorld(t, client))
			})
		}
	})
	Laws(t, ledgerOf(client, "auditor"))
}

// tests are the sentences that every store must make true.
var tests = map[string]func(*world){
	"the first charge is held at the INVITE and nothing more":          firstChargeIsHeld,
	"authorising twice holds once":                                     authorizingTwiceHoldsOnce,
	"money that does not cover the first charge refuses the call":      noCreditRefuses,
	"credit counts as money":                                           creditCounts,
	"a locked extension may not call, billed or not":                   lockedRefuses,
	"an extension without account is unknown":                          unknownRefuses,
	"concurrent calls are limited":                                     concurrentCallsLimited,
	"daily spend counts holds and refuses at the limit":                dailySpendRefuses,
	"daily spend ends a call and belongs to the day it started":        dailySpendEndsCall,
	"an emergency call passes lock, limits and no account at all":      emergencyPasses,
	"a call that costs nothing needs no money":                         unbilledNeedsNoMoney,
	"a rich account holds at most a minute ahead":                      richHoldsAhead,
	"a poor account pays unit by unit":                                 poorPaysUnitByUnit,
	"answering twice holds once":                                       answeringTwice,
	"extending twice with the same units buys once":                    extendingTwice,
	"a unit that cannot be paid is refused and a recharge helps":       extendRefusedThenRecharged,
	"lock does not stop a running call":                                lockDoesNotStopExtend,
	"lowering credit grants nothing new and takes nothing back":        loweredCredit,
	"settling charges by the stored tariff and frees the rest":         settleCharges,
	"settling twice charges once and says the same":                    settlingTwice,
	"talk beyond the grant is not billed":                              talkBeyondGrant,
	"a call that was not answered is free":                             unansweredIsFree,
	"an answer that never reached the store is still charged":          settleWithoutAnswer,
	"a settled call takes no part any more":                            settledIsOver,
	"a call nobody authorised is unknown":                              unknownCall,
	"a call id made for another extension is refused":                  foreignCallID,
	"one record holds journal line and CDR":                            oneRecord,
	"a refusal is filed once":                                          refusalIsFiledOnce,
	"a running call cannot be filed":                                   runningIsNotFiled,
	"running calls are listed with their dialogs":                      callsAreListed,
	"dialogs are exchanged":                                            dialogsAreExchanged,
	"a live node keeps its calls, a dead one loses them to one other":  takeover,
	"an INVITE on a second node takes over a dead node's call":         inviteTakesOver,
	"the BYE of a leg ends a call wherever it arrives":                 byeCountsAnywhere,
	"a ringing call that was taken over is ended by its owner only":    ringingIsFenced,
	"a call goes back to the node where its messages arrive":           claimBack,
	"a node that is new here takes nothing over":                       newcomerTakesNothing,
	"touch keeps a lease and names calls that are gone":                touchKeeps,
	"a ringing call that lapsed is released":                           sweepRinging,
	"a talking call that lapsed is charged to its last proof of life":  sweepTalking,
	"a node that is new here does not sweep":                           newcomerDoesNotSweep,
	"a hang-up reaches the node of the call":                           hangUpReaches,
	"a recharge is applied to all accounts and answered":               rechargeApplies,
	"a recharge with an unknown extension changes nothing":             rechargeAllOrNothing,
	"a key used again gives the first answer, another body is refused": rechargeKey,
	"thirty parallel recharges with one key move money once":           thirtyRecharges,
	"an adjustment goes down to nothing available and no further":      adjustment,
	"an amount out of range is refused":                                rechargeRange,
	"a recharge of more accounts of a shard than a script takes":       bigRecharge,
	"terms apply only when newer":                                      termsApplyWhenNewer,
	"another payment type begins the recharges again":                  paymentTypeChange,
	"a closed account is empty and goes on counting when opened again": closeAndReopen,
	"an account with a call up cannot be closed":                       closeWithCall,
	"an import opens an account once":                                  openOnce,
	"a broken account does not hide the others":                        brokenAccount,
	"a broken call is set aside":                                       brokenCall,
	"five hundred at once on money for five hundred":                   fiveHundred,
	"twenty calls drain one balance to less than a unit":               twentyDrain,
}
