// Shows the result of one validation, which `followed_job.js` follows: both are one script.

const clearResult = () => setHtml(part("result"), "");
const job = followJob({
  receive: (answer) => answer.result !== null && setHtml(part("result"), answer.result),
  clear: clearResult,
  hasResults: () => part("result").innerHTML !== "",
});
job.openFromFragment();
