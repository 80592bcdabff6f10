"""Rules of retention in MongoDB: collection `retention_rules`, one document each. Index: owner."""

from schemas.retention import MOST_RULES, Rule
from stores.documents import Database, from_document, to_document
from stores.errors import answering, in_time


class Rules:
    """The repository of rules; an owner of None stands for the operator. Methods raise StoreUnavailable."""

    def __init__(self, database: Database) -> None:
        self._rules = database["retention_rules"]

    async def prepare(self) -> None:
        """Creates the index. Harmless when repeated."""
        async with in_time():
            await self._rules.create_index([("owner_id", 1), ("_id", 1)])

    async def create(self, rule: Rule) -> None:
        """Stores a new rule."""
        async with answering():
            await self._rules.insert_one(to_document(rule))

    async def of(self, owner_id: str | None) -> list[Rule]:
        """The owner's own rules, newest first."""
        async with answering():
            found = self._rules.find({"owner_id": owner_id}).limit(2 * MOST_RULES)
            rules = [from_document(Rule, fields) async for fields in found]
        return sorted(rules, key=lambda rule: rule.id, reverse=True)

    async def for_owner(self, owner_id: str) -> list[Rule]:
        """All rules that hold for the owner: the own ones, and the operator's."""
        return [*await self.of(owner_id), *await self.of(None)]

    async def all(self) -> list[Rule]:
        """Every rule there is."""
        async with answering():
            return [from_document(Rule, fields) async for fields in self._rules.find({})]

    async def delete(self, owner_id: str | None, rule_id: str) -> bool:
        """Forgets the owner's own rule; whether there was one. Harmless when repeated."""
        async with answering():
            return await self._rules.find_one_and_delete({"_id": rule_id, "owner_id": owner_id}) is not None

    async def forget(self, owner_id: str) -> int:
        """Removes all rules of the owner, and says how many there were. Harmless when repeated."""
        async with answering():
            return int((await self._rules.delete_many({"owner_id": owner_id})).deleted_count)
