// Passkeys: a form with data-passkey="get" or "create" asks the server for a question (data-passkey-question), has the
// browser answer it, puts the answer into its field "credential" and is sent. Where browsers have no passkeys it stays hidden.
const toBytes = (text) => {
  const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
  return Uint8Array.from(plain, (sign) => sign.charCodeAt(0));
};

const toText = (bytes) => {
  let plain = "";
  for (const byte of new Uint8Array(bytes)) plain += String.fromCharCode(byte);
  return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};

const listed = (descriptors) => (descriptors ?? []).map((each) => ({ ...each, id: toBytes(each.id) }));

const asked = async (form) => {
  const answer = await fetch(form.dataset.passkeyQuestion, {
    method: "POST",
    headers: { "X-CSRFToken": form.elements.csrfmiddlewaretoken.value },
    credentials: "same-origin",
  });
  if (!answer.ok) throw new Error(String(answer.status));
  const { publicKey } = await answer.json();
  publicKey.challenge = toBytes(publicKey.challenge);
  if (publicKey.user) publicKey.user.id = toBytes(publicKey.user.id);
  if (publicKey.excludeCredentials) publicKey.excludeCredentials = listed(publicKey.excludeCredentials);
  if (publicKey.allowCredentials) publicKey.allowCredentials = listed(publicKey.allowCredentials);
  return publicKey;
};

const written = (credential) => {
  const response = { clientDataJSON: toText(credential.response.clientDataJSON) };
  for (const part of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (credential.response[part]) response[part] = toText(credential.response[part]);
  }
  return JSON.stringify({
    id: credential.id,
    rawId: toText(credential.rawId),
    type: credential.type,
    clientExtensionResults: {},
    response,
  });
};

const start = (form) => {
  const problem = form.querySelector("[data-passkey-problem]");
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    event.stopPropagation();
    problem.hidden = true;
    try {
      const publicKey = await asked(form);
      const credential = await navigator.credentials[form.dataset.passkey]({ publicKey });
      form.elements.credential.value = written(credential);
      const remember = form.querySelector("[data-passkey-remember]");
      const box = remember && document.getElementById(remember.dataset.passkeyRemember);
      if (box) remember.value = box.checked ? "on" : "";
      form.submit();
    } catch {
      problem.hidden = false;
      problem.tabIndex = -1;
      problem.focus();
    }
  });
};

if (window.PublicKeyCredential) {
  for (const form of document.querySelectorAll("form[data-passkey]")) start(form);
  for (const words of document.querySelectorAll("[data-passkey-missing]")) words.hidden = true;
}
