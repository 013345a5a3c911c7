try{let t=localStorage.getItem("waymark.theme");(t==="light"||t==="dark")&&(document.documentElement.dataset.theme=t)}catch{}
