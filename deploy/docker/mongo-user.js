// The program's own user, made when the database is made: it may read and write its database, and nothing else.
const name = process.env.MONGODB_DATABASE;
db.getSiblingDB(name).createUser({
  user: "tidemark",
  pwd: process.env.MONGODB_PASSWORD,
  roles: [{ role: "readWrite", db: name }],
});
