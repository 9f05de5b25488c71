// Tags and notes, of one account or of the selected ones.

import { confirmed, prepared } from "../dialog.js";
import { busy, find, make } from "../dom.js";
import { masked } from "../format.js";
import { t } from "../t.js";
import { change, hiddenWords } from "./actions.js";

const tagsOf = (text) =>
  text
    .split(/[,，]/)
    .map((tag) => tag.trim())
    .filter(Boolean);

export function wireEditing() {
  const dialog = prepared(find("#edit-dialog")),
    form = find("form", dialog);
  const tags = find("#edit-tags"),
    note = find("#edit-note");
  const problem = find(".problem", form);
  let save = async () => {};

  form.addEventListener("submit", (event) => {
    event.preventDefault();
    busy(find("button[type=submit]", form), async () => {
      try {
        if ((await save()) !== false) dialog.close();
      } catch (error) {
        problem.textContent = error.message;
      }
      dispatchEvent(new Event("accounts-changed"));
    });
  });

  /** hidden: how many of the accounts the operator does not see. */
  function open(title, { withTags = true, withNote = true, many = false, hidden = 0 }) {
    find("#edit-title").textContent = title;
    find("#edit-tags-field").hidden = !withTags;
    find("#edit-note-field").hidden = !withNote;
    find("#edit-mode").hidden = !many || !withTags;
    form.mode.value = "add";
    find("#edit-hidden").textContent = hidden ? hiddenWords(hidden) : "";
    problem.textContent = "";
    dialog.showModal();
    (withTags ? tags : note).focus();
  }

  /** False: it is not to be done. */
  async function saveMany(what, ids) {
    const body = what === "tags" ? { tags: tagsOf(tags.value), mode: form.mode.value } : { note: note.value };
    if (!(body.tags ?? body.note).length) {
      if (what === "tags" && body.mode !== "set") throw new Error(t("edit.no_tags"));
      const count = ids.length;
      const words = { title: t("wipe.title"), text: t(`wipe.${what}`, { count }), yes: t("wipe.yes") };
      if (!(await confirmed({ ...words, danger: true }))) return false;
    }
    return change(what, ids, body);
  }

  return {
    /** One account: only what was changed is stored. */
    one(account) {
      tags.value = account.tags.join(", ");
      note.value = account.note;
      save = async () => {
        const wanted = tagsOf(tags.value);
        if (wanted.join() !== account.tags.join()) await change("tags", [account.id], { tags: wanted });
        if (note.value !== account.note) await change("note", [account.id], { note: note.value });
      };
      open(t("edit.title", { name: masked(account.token) }), {});
    },
    /** Tags of many, beside those they have, out of them or in their place; or their note. */
    many(what, ids, hidden) {
      tags.value = note.value = "";
      save = () => saveMany(what, ids);
      open(t(`edit.many_${what}`, { count: ids.length }), {
        withTags: what === "tags",
        withNote: what === "note",
        many: true,
        hidden,
      });
    },
    know(all) {
      find("#known-tags").replaceChildren(...all.map((tag) => make("option", { value: tag })));
    },
  };
}
