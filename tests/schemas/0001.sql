BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0001');
CREATE TABLE alert_rule (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	node_id INTEGER NOT NULL, 
	user_id INTEGER, 
	group_id INTEGER, 
	recursive BOOLEAN NOT NULL, 
	CONSTRAINT ck_alert_rule_one_principal CHECK ((user_id IS NULL) <> (group_id IS NULL)), 
	CONSTRAINT fk_alert_rule_group_id_group FOREIGN KEY(group_id) REFERENCES "group" (id) ON DELETE CASCADE, 
	CONSTRAINT fk_alert_rule_node_id_node FOREIGN KEY(node_id) REFERENCES node (id) ON DELETE CASCADE, 
	CONSTRAINT fk_alert_rule_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_alert_rule_node_id_group_id UNIQUE (node_id, group_id), 
	CONSTRAINT uq_alert_rule_node_id_user_id UNIQUE (node_id, user_id)
);
INSERT INTO "alert_rule" VALUES(1,3,NULL,1,1);
CREATE TABLE blob (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	"key" VARCHAR(64) NOT NULL, 
	size BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT uq_blob_key UNIQUE ("key")
);
INSERT INTO "blob" VALUES(1,'8df9197234b8d0c358c55f7d7c187e1f53103241',16,'1abccdbc263d52a6666df9f7471564ca513eacbcc7f816154fba167fca26e2ed','2026-11-25 20:07:00.397799');
INSERT INTO "blob" VALUES(2,'3828a13bac4cc0028105c223d6a7632cdf7bdfd8',14,'64e99bf2fa63e1a81ef12c9145c5014f331d81dff2171ef90ae645df993a30ac','2026-11-25 20:07:00.497821');
INSERT INTO "blob" VALUES(3,'72b04e4b7756de56d9bef09768e3f05ee607a24d',13,'a6f95b97a2b8811b9c2789aa8fda4b90bf419f00f18529ac973d0baf33c9d413','2026-11-25 20:07:03.213800');
INSERT INTO "blob" VALUES(4,'7dd1d988ab686ba6844ba22a02301a2d369ce63f',1,'2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881','2026-11-25 20:07:03.285752');
INSERT INTO "blob" VALUES(5,'4a61d538ca56850ac991317e1ff960ed29e5ff94',17,'4dc40f84dac69711a511cc837b9fbedac38a91a814b4bca65c61f219cb34ed69','2026-11-25 20:07:07.516917');
CREATE TABLE dead_property (
	node_id INTEGER NOT NULL, 
	tag VARCHAR(255) NOT NULL, 
	xml TEXT NOT NULL, 
	CONSTRAINT pk_dead_property PRIMARY KEY (node_id, tag), 
	CONSTRAINT fk_dead_property_node_id_node FOREIGN KEY(node_id) REFERENCES node (id) ON DELETE CASCADE
);
INSERT INTO "dead_property" VALUES(28,'{urn:test}mark','<T:mark xmlns:T="urn:test" xmlns:D="DAV:" xmlns:Z="urn:schemas-microsoft-com:">m</T:mark>');
CREATE TABLE deposit (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dossier_id INTEGER NOT NULL, 
	node_id INTEGER, 
	box_id INTEGER, 
	author_id INTEGER NOT NULL, 
	number INTEGER, 
	name VARCHAR(255) NOT NULL, 
	size BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	channel VARCHAR(20) NOT NULL, 
	agent VARCHAR(200) NOT NULL, 
	used_lock BOOLEAN NOT NULL, 
	opened_at DATETIME NOT NULL, 
	touched_at DATETIME NOT NULL, 
	received_at DATETIME, 
	sealed_at DATETIME, 
	rejected_at DATETIME, 
	reason VARCHAR(400) NOT NULL, 
	late_seconds INTEGER NOT NULL, 
	CONSTRAINT fk_deposit_author_id_user FOREIGN KEY(author_id) REFERENCES user (id), 
	CONSTRAINT fk_deposit_box_id_node FOREIGN KEY(box_id) REFERENCES node (id) ON DELETE SET NULL, 
	CONSTRAINT fk_deposit_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id), 
	CONSTRAINT fk_deposit_node_id_node FOREIGN KEY(node_id) REFERENCES node (id) ON DELETE SET NULL, 
	CONSTRAINT uq_deposit_dossier_id_number UNIQUE (dossier_id, number), 
	CONSTRAINT uq_deposit_node_id UNIQUE (node_id)
);
INSERT INTO "deposit" VALUES(1,2,26,9,3,1,'Pièce n°1 - Constat.pdf',16,'1abccdbc263d52a6666df9f7471564ca513eacbcc7f816154fba167fca26e2ed','webdav','test',0,'2026-11-25 20:07:00.397799','2026-11-25 20:07:00.397799','2026-11-25 20:07:00.397799','2026-11-25 20:07:02.781590',NULL,'',0);
INSERT INTO "deposit" VALUES(2,2,27,9,3,2,'Pièce n°2 - Devis d''œuvre.pdf',14,'64e99bf2fa63e1a81ef12c9145c5014f331d81dff2171ef90ae645df993a30ac','webdav','test',0,'2026-11-25 20:07:00.497821','2026-11-25 20:07:00.497821','2026-11-25 20:07:00.497821','2026-11-25 20:07:02.818105',NULL,'',0);
INSERT INTO "deposit" VALUES(3,2,30,9,3,NULL,'inachevé.pdf',17,'4dc40f84dac69711a511cc837b9fbedac38a91a814b4bca65c61f219cb34ed69','webdav','test',0,'2026-11-25 20:07:07.516917','2026-11-25 20:07:07.516917','2026-11-25 20:07:07.516917',NULL,NULL,'',0);
CREATE TABLE dossier (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	platform_id INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	title VARCHAR(240) NOT NULL, 
	reference VARCHAR(120) NOT NULL, 
	state VARCHAR(40) NOT NULL, 
	state_since DATETIME NOT NULL, 
	deadline DATETIME, 
	quota BIGINT NOT NULL, 
	used BIGINT NOT NULL, 
	rights_revision BIGINT NOT NULL, 
	next_number INTEGER NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT fk_dossier_platform_id_platform FOREIGN KEY(platform_id) REFERENCES platform (id)
);
INSERT INTO "dossier" VALUES(1,1,'espace de l''expert','Espace de l''expert (apolline.testard)','','en cours','2026-11-25 20:06:55.945660',NULL,10000000000,0,763132678100293252,1,'2026-11-25 20:06:55.945660');
INSERT INTO "dossier" VALUES(2,1,'expertise','2024-04 Essai contre Exemple','RG 24/99004','ouvert','2026-11-25 20:06:56.343385',NULL,10000000000,60,82256969972387053,3,'2026-11-25 20:06:56.343385');
CREATE TABLE grant (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	node_id INTEGER NOT NULL, 
	user_id INTEGER, 
	group_id INTEGER, 
	rights INTEGER NOT NULL, 
	recursive BOOLEAN NOT NULL, 
	CONSTRAINT ck_grant_one_principal CHECK ((user_id IS NULL) <> (group_id IS NULL)), 
	CONSTRAINT fk_grant_group_id_group FOREIGN KEY(group_id) REFERENCES "group" (id) ON DELETE CASCADE, 
	CONSTRAINT fk_grant_node_id_node FOREIGN KEY(node_id) REFERENCES node (id) ON DELETE CASCADE, 
	CONSTRAINT fk_grant_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_grant_node_id_group_id UNIQUE (node_id, group_id), 
	CONSTRAINT uq_grant_node_id_user_id UNIQUE (node_id, user_id)
);
INSERT INTO "grant" VALUES(1,2,2,NULL,255,1);
INSERT INTO "grant" VALUES(2,3,NULL,1,7,1);
INSERT INTO "grant" VALUES(3,3,2,NULL,255,1);
INSERT INTO "grant" VALUES(4,8,2,NULL,207,1);
INSERT INTO "grant" VALUES(5,9,3,NULL,8,1);
INSERT INTO "grant" VALUES(6,10,4,NULL,8,1);
INSERT INTO "grant" VALUES(7,11,2,NULL,199,1);
INSERT INTO "grant" VALUES(8,20,2,NULL,207,1);
CREATE TABLE "group" (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dossier_id INTEGER NOT NULL, 
	name VARCHAR(200) NOT NULL, 
	CONSTRAINT fk_group_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id) ON DELETE CASCADE, 
	CONSTRAINT uq_group_dossier_id_name UNIQUE (dossier_id, name)
);
INSERT INTO "group" VALUES(1,2,'Tous les participants');
CREATE TABLE journal (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	at DATETIME NOT NULL, 
	dossier_id INTEGER, 
	actor VARCHAR(120) NOT NULL, 
	channel VARCHAR(20) NOT NULL, 
	act VARCHAR(40) NOT NULL, 
	facts TEXT NOT NULL, 
	previous VARCHAR(64) NOT NULL, 
	hash VARCHAR(64) NOT NULL, 
	CONSTRAINT fk_journal_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id)
);
INSERT INTO "journal" VALUES(1,'2026-11-25 20:06:55.494522',NULL,'(console)','command','user.add','{"administrator": true, "kind": "public", "user": "admin"}','0000000000000000000000000000000000000000000000000000000000000000','90cda1d0175094f158efa9dc4e1d910151369114ab4df31727debcd10d5abb52');
INSERT INTO "journal" VALUES(2,'2026-11-25 20:06:55.945660',NULL,'(console)','command','user.add','{"administrator": false, "kind": "public", "user": "apolline.testard"}','90cda1d0175094f158efa9dc4e1d910151369114ab4df31727debcd10d5abb52','bb52ab03470b8cf678aa934cabde2a4d67e2af2b033a81203c5d7bf001e11a0d');
INSERT INTO "journal" VALUES(3,'2026-11-25 20:06:55.945660',1,'(console)','command','rights.grant','{"path": "", "recursive": true, "rights": "naviguer, consulter, télécharger, ajouter, modifier, supprimer, déplacer, gérer", "to": "apolline.testard"}','bb52ab03470b8cf678aa934cabde2a4d67e2af2b033a81203c5d7bf001e11a0d','04f60028e3ae477d8b180a25d621adcb75da50a4d793cd5d99655a7026c43a69');
INSERT INTO "journal" VALUES(4,'2026-11-25 20:06:55.945660',NULL,'(console)','command','platform.create','{"expert": "apolline.testard", "quota": 10000000000}','04f60028e3ae477d8b180a25d621adcb75da50a4d793cd5d99655a7026c43a69','9cf6ee3aa19bf8cbe20c5de4c0489748d21090cf9618c0172f34981b098f19e6');
INSERT INTO "journal" VALUES(5,'2026-11-25 20:06:56.343385',2,'(console)','command','rights.grant','{"path": "", "recursive": true, "rights": "naviguer, consulter, télécharger", "to": "groupe Tous les participants"}','9cf6ee3aa19bf8cbe20c5de4c0489748d21090cf9618c0172f34981b098f19e6','015bea1c5e8e0f8d359f4f803036773cb8bc84be944595e50311bf6cabe0d0b3');
INSERT INTO "journal" VALUES(6,'2026-11-25 20:06:56.343385',2,'(console)','command','rights.grant','{"path": "", "recursive": true, "rights": "naviguer, consulter, télécharger, ajouter, modifier, supprimer, déplacer, gérer", "to": "apolline.testard"}','015bea1c5e8e0f8d359f4f803036773cb8bc84be944595e50311bf6cabe0d0b3','2c3144620b9a5d0ec85b5b2c0182ac0d41eccb68adeb295729d470d68bdb8a1c');
INSERT INTO "journal" VALUES(7,'2026-11-25 20:06:56.343385',2,'(console)','command','alerts.rule','{"path": "", "recursive": true, "to": "groupe Tous les participants", "told": true}','2c3144620b9a5d0ec85b5b2c0182ac0d41eccb68adeb295729d470d68bdb8a1c','0a24ac5a1d7736c1f95dbe343b574006418dc4ec1a3006550f5c9e03bb9a5e94');
INSERT INTO "journal" VALUES(8,'2026-11-25 20:06:56.343385',NULL,'(console)','command','user.add','{"administrator": false, "kind": "public", "user": "cabinet.essai"}','0a24ac5a1d7736c1f95dbe343b574006418dc4ec1a3006550f5c9e03bb9a5e94','d0f61ac1c0dde037a5b482b4198fe15e0c05d1af3e6d003b8ae61a6345e11654');
INSERT INTO "journal" VALUES(9,'2026-11-25 20:06:56.343385',2,'(console)','command','user.add','{"administrator": false, "kind": "private", "user": "cabinet.exemple"}','d0f61ac1c0dde037a5b482b4198fe15e0c05d1af3e6d003b8ae61a6345e11654','cc2dcc0ae5ed0c0ada042bbb862f2224f52a79f31dc800374eeff6feb7fe2395');
INSERT INTO "journal" VALUES(10,'2026-11-25 20:06:56.343385',2,'(console)','command','rights.grant','{"path": "04 Boîtes aux lettres", "recursive": true, "rights": "naviguer, consulter, télécharger, ajouter, déplacer, gérer", "to": "apolline.testard"}','cc2dcc0ae5ed0c0ada042bbb862f2224f52a79f31dc800374eeff6feb7fe2395','feb778e26b6a50c9655d8b9112c5d74b83ca8bb63b5a50bd067e1001f680c4be');
INSERT INTO "journal" VALUES(11,'2026-11-25 20:06:56.343385',2,'(console)','command','rights.grant','{"path": "04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)", "recursive": true, "rights": "ajouter", "to": "cabinet.essai"}','feb778e26b6a50c9655d8b9112c5d74b83ca8bb63b5a50bd067e1001f680c4be','5044b40e69c2a9c4b368c1315a9016cebf578972fefaeec5f089cf81bbab95b8');
INSERT INTO "journal" VALUES(12,'2026-11-25 20:06:56.343385',2,'(console)','command','rights.grant','{"path": "04 Boîtes aux lettres/Cabinet EXEMPLE (Exemple SA)", "recursive": true, "rights": "ajouter", "to": "cabinet.exemple"}','5044b40e69c2a9c4b368c1315a9016cebf578972fefaeec5f089cf81bbab95b8','06145a5d8df9361b5893423022e714251db2c3f1ab2697f070a7a92143d843e2');
INSERT INTO "journal" VALUES(13,'2026-11-25 20:06:56.343385',2,'(console)','command','rights.grant','{"path": "05 Archives", "recursive": true, "rights": "naviguer, consulter, télécharger, déplacer, gérer", "to": "apolline.testard"}','06145a5d8df9361b5893423022e714251db2c3f1ab2697f070a7a92143d843e2','0cb536ba0fa83d27af2c87607a13e744ca28bf4257ce89571a77c3a136e245a6');
INSERT INTO "journal" VALUES(14,'2026-11-25 20:06:56.343385',2,'(console)','command','rights.grant','{"path": "06 Sapiteurs et investigations", "recursive": true, "rights": "naviguer, consulter, télécharger, ajouter, déplacer, gérer", "to": "apolline.testard"}','0cb536ba0fa83d27af2c87607a13e744ca28bf4257ce89571a77c3a136e245a6','e72077e21996c3ee7badc89bed9d555fc9b515db4863c6319b18c50e6ce451c4');
INSERT INTO "journal" VALUES(15,'2026-11-25 20:06:56.343385',2,'(console)','command','dossier.create','{"expert": "apolline.testard", "title": "2024-04 Essai contre Exemple"}','e72077e21996c3ee7badc89bed9d555fc9b515db4863c6319b18c50e6ce451c4','4e1c03a980cd024fe0db70e85dc9d9191d9b7c18f3d09d32f023e02f6fc2f9c5');
INSERT INTO "journal" VALUES(16,'2026-11-25 20:06:57.173030',NULL,'(console)','command','user.password','{"user": "cabinet.essai"}','4e1c03a980cd024fe0db70e85dc9d9191d9b7c18f3d09d32f023e02f6fc2f9c5','ac4498bb0b6e3b39eaa50d6ce92bbb94b07231ecfd4afff90b070e20e8d54fdd');
INSERT INTO "journal" VALUES(17,'2026-11-25 20:06:57.506706',NULL,'(console)','command','user.password','{"user": "cabinet.exemple"}','ac4498bb0b6e3b39eaa50d6ce92bbb94b07231ecfd4afff90b070e20e8d54fdd','c98da8ca7081d6ff539e7120a4b5a0bc5ea3cefc166c1ca23fed637f861cba05');
INSERT INTO "journal" VALUES(18,'2026-11-25 20:07:00.397799',2,'cabinet.essai','webdav','deposit.receive','{"agent": "test", "path": "04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)/Pièce n°1 - Constat.pdf", "sha256": "1abccdbc263d52a6666df9f7471564ca513eacbcc7f816154fba167fca26e2ed", "size": 16}','c98da8ca7081d6ff539e7120a4b5a0bc5ea3cefc166c1ca23fed637f861cba05','5ed1dacb8ed00b419be75840a18f3f9c278ce7fcbf314eacb897d4efa33e08a2');
INSERT INTO "journal" VALUES(19,'2026-11-25 20:07:00.497821',2,'cabinet.essai','webdav','deposit.receive','{"agent": "test", "path": "04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)/Pièce n°2 - Devis d''œuvre.pdf", "sha256": "64e99bf2fa63e1a81ef12c9145c5014f331d81dff2171ef90ae645df993a30ac", "size": 14}','5ed1dacb8ed00b419be75840a18f3f9c278ce7fcbf314eacb897d4efa33e08a2','b630877fadccd57a0fb76e77f7ea891d62570c7893cac77a1c24bdc64d26dd75');
INSERT INTO "journal" VALUES(20,'2026-11-25 20:07:02.781590',2,'(serveur)','worker','deposit.seal','{"author": "cabinet.essai", "late_seconds": 0, "number": 1, "path": "04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)/Pièce n°1 - Constat.pdf", "received_at": "2026-11-25 20:07:00.397799+00:00", "sha256": "1abccdbc263d52a6666df9f7471564ca513eacbcc7f816154fba167fca26e2ed", "size": 16}','b630877fadccd57a0fb76e77f7ea891d62570c7893cac77a1c24bdc64d26dd75','9159dbbcb8104959a9cb23e6aad9b360919757f73809d45410af5bc074180160');
INSERT INTO "journal" VALUES(21,'2026-11-25 20:07:02.818105',2,'(serveur)','worker','deposit.seal','{"author": "cabinet.essai", "late_seconds": 0, "number": 2, "path": "04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)/Pièce n°2 - Devis d''œuvre.pdf", "received_at": "2026-11-25 20:07:00.497821+00:00", "sha256": "64e99bf2fa63e1a81ef12c9145c5014f331d81dff2171ef90ae645df993a30ac", "size": 14}','9159dbbcb8104959a9cb23e6aad9b360919757f73809d45410af5bc074180160','5307249397e6d082aa7dba6b84ccb2f97f9e0227d17bb39e65d5e0f9e0dbad8d');
INSERT INTO "journal" VALUES(22,'2026-11-25 20:07:03.156904',2,'apolline.testard','webdav','piece.file','{"number": 1, "path": "04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)/Pièce n°1 - Constat.pdf", "to": "05 Archives/Cabinet ESSAI (SCI Essai)/Pièces/Pièce n°1 - Constat.pdf"}','5307249397e6d082aa7dba6b84ccb2f97f9e0227d17bb39e65d5e0f9e0dbad8d','969cdc11bf1a31bbf70e51abc5d0b5e08dd110dadcb1ec026ebca344eb02b6bf');
INSERT INTO "journal" VALUES(23,'2026-11-25 20:07:03.213800',2,'apolline.testard','webdav','file.publish','{"path": "03 Notes aux parties et comptes rendus/Note n°1.pdf", "sha256": "a6f95b97a2b8811b9c2789aa8fda4b90bf419f00f18529ac973d0baf33c9d413", "size": 13}','969cdc11bf1a31bbf70e51abc5d0b5e08dd110dadcb1ec026ebca344eb02b6bf','e5164584cb93e8e1c49f0e9e0438d170ecb24da45ef44f544c2ac68aacd21392');
INSERT INTO "journal" VALUES(24,'2026-11-25 20:07:03.285752',2,'apolline.testard','webdav','file.publish','{"path": "03 Notes aux parties et comptes rendus/brouillon.txt", "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881", "size": 1}','e5164584cb93e8e1c49f0e9e0438d170ecb24da45ef44f544c2ac68aacd21392','c96c5db1c0cb10fe4efe310e9da15bcd1e55d32db5854c6ab95f5cf189ef35af');
INSERT INTO "journal" VALUES(25,'2026-11-25 20:07:03.306926',2,'apolline.testard','webdav','node.remove','{"members": 0, "path": "03 Notes aux parties et comptes rendus/brouillon.txt", "sha256": "2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"}','c96c5db1c0cb10fe4efe310e9da15bcd1e55d32db5854c6ab95f5cf189ef35af','f37e9e4fee6593e624ce6325e602528f13aaab3a62134a91a8eeb5dc472e60db');
INSERT INTO "journal" VALUES(26,'2026-11-25 20:07:07.516917',2,'cabinet.essai','webdav','deposit.receive','{"agent": "test", "path": "04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)/inachevé.pdf", "sha256": "4dc40f84dac69711a511cc837b9fbedac38a91a814b4bca65c61f219cb34ed69", "size": 17}','f37e9e4fee6593e624ce6325e602528f13aaab3a62134a91a8eeb5dc472e60db','960acd360fddff9e76957b6839325384c24c6bac0d7eb1e5e4ea7bcad381853f');
CREATE TABLE lock (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	token VARCHAR(80) NOT NULL, 
	node_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	"exclusive" BOOLEAN NOT NULL, 
	infinite BOOLEAN NOT NULL, 
	owner TEXT NOT NULL, 
	timeout INTEGER NOT NULL, 
	expires DATETIME NOT NULL, 
	used DATETIME NOT NULL, 
	agent VARCHAR(40) NOT NULL, 
	courtesy BOOLEAN NOT NULL, 
	CONSTRAINT fk_lock_node_id_node FOREIGN KEY(node_id) REFERENCES node (id) ON DELETE CASCADE, 
	CONSTRAINT fk_lock_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_lock_token UNIQUE (token)
);
INSERT INTO "lock" VALUES(1,'opaquelocktoken:b81f968d-09de-4542-8961-4928a7d5cab0',28,2,1,0,'<D:owner xmlns:D="DAV:">apolline.testard</D:owner>',600,'2026-11-25 20:17:03.434276','2026-11-25 20:07:03.434276','test',0);
CREATE TABLE membership (
	group_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	CONSTRAINT pk_membership PRIMARY KEY (group_id, user_id), 
	CONSTRAINT fk_membership_group_id_group FOREIGN KEY(group_id) REFERENCES "group" (id) ON DELETE CASCADE, 
	CONSTRAINT fk_membership_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE
);
INSERT INTO "membership" VALUES(1,2);
INSERT INTO "membership" VALUES(1,3);
INSERT INTO "membership" VALUES(1,4);
CREATE TABLE message (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dossier_id INTEGER NOT NULL, 
	depositor_id INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	opened_at DATETIME NOT NULL, 
	due_at DATETIME NOT NULL, 
	CONSTRAINT fk_message_depositor_id_user FOREIGN KEY(depositor_id) REFERENCES user (id), 
	CONSTRAINT fk_message_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id) ON DELETE CASCADE
);
INSERT INTO "message" VALUES(1,2,3,'dépôt','2026-11-25 20:07:02.781590','2026-11-25 20:07:03.781590');
INSERT INTO "message" VALUES(2,2,2,'publication','2026-11-25 20:07:03.213800','2026-11-25 20:07:04.213800');
CREATE TABLE message_line (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	message_id INTEGER NOT NULL, 
	node_id INTEGER, 
	name VARCHAR(255) NOT NULL, 
	folder VARCHAR(1000) NOT NULL, 
	size BIGINT NOT NULL, 
	number INTEGER, 
	late_seconds INTEGER NOT NULL, 
	reason VARCHAR(400) NOT NULL, 
	at DATETIME NOT NULL, 
	CONSTRAINT fk_message_line_message_id_message FOREIGN KEY(message_id) REFERENCES message (id) ON DELETE CASCADE, 
	CONSTRAINT fk_message_line_node_id_node FOREIGN KEY(node_id) REFERENCES node (id) ON DELETE SET NULL
);
INSERT INTO "message_line" VALUES(1,1,26,'Pièce n°1 - Constat.pdf','2024-04 Essai contre Exemple/04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)',16,1,0,'','2026-11-25 20:07:02.781590');
INSERT INTO "message_line" VALUES(2,1,27,'Pièce n°2 - Devis d''œuvre.pdf','2024-04 Essai contre Exemple/04 Boîtes aux lettres/Cabinet ESSAI (SCI Essai)',14,2,0,'','2026-11-25 20:07:02.818105');
INSERT INTO "message_line" VALUES(3,2,28,'Note n°1.pdf','2024-04 Essai contre Exemple/03 Notes aux parties et comptes rendus',13,NULL,0,'','2026-11-25 20:07:03.213800');
INSERT INTO "message_line" VALUES(4,2,NULL,'brouillon.txt','2024-04 Essai contre Exemple/03 Notes aux parties et comptes rendus',1,NULL,0,'','2026-11-25 20:07:03.285752');
CREATE TABLE node (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	parent_id INTEGER, 
	dossier_id INTEGER, 
	name VARCHAR(255) NOT NULL, 
	name_key VARCHAR(512) NOT NULL, 
	scratch_of INTEGER NOT NULL, 
	kind VARCHAR(40) NOT NULL, 
	role VARCHAR(40) NOT NULL, 
	representation_id INTEGER, 
	inherits BOOLEAN NOT NULL, 
	state VARCHAR(40) NOT NULL, 
	author_id INTEGER, 
	blob_id INTEGER, 
	size BIGINT NOT NULL, 
	sha256 VARCHAR(64) NOT NULL, 
	number INTEGER, 
	created DATETIME NOT NULL, 
	modified DATETIME NOT NULL, 
	CONSTRAINT fk_node_author_id_user FOREIGN KEY(author_id) REFERENCES user (id), 
	CONSTRAINT fk_node_blob_id_blob FOREIGN KEY(blob_id) REFERENCES blob (id), 
	CONSTRAINT fk_node_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id), 
	CONSTRAINT fk_node_parent_id_node FOREIGN KEY(parent_id) REFERENCES node (id), 
	CONSTRAINT fk_node_representation_id_representation FOREIGN KEY(representation_id) REFERENCES representation (id) ON DELETE SET NULL, 
	CONSTRAINT uq_node_parent_id_name_key_scratch_of UNIQUE (parent_id, name_key, scratch_of)
);
INSERT INTO "node" VALUES(1,NULL,NULL,'','',0,'folder','root',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:55.434509','2026-11-25 20:06:55.434509');
INSERT INTO "node" VALUES(2,1,1,'Espace de l''expert (apolline.testard)','espace de l''expert (apolline.testard)',0,'folder','source',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:55.945660','2026-11-25 20:06:55.945660');
INSERT INTO "node" VALUES(3,1,2,'2024-04 Essai contre Exemple','2024-04 essai contre exemple',0,'folder','source',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(4,3,2,'00 Mission et décisions','00 mission et décisions',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(5,3,2,'01 Consignations','01 consignations',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(6,3,2,'02 Convocations','02 convocations',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(7,3,2,'03 Notes aux parties et comptes rendus','03 notes aux parties et comptes rendus',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:07:03.306926');
INSERT INTO "node" VALUES(8,3,2,'04 Boîtes aux lettres','04 boîtes aux lettres',0,'folder','mailboxes',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(9,8,2,'Cabinet ESSAI (SCI Essai)','cabinet essai (sci essai)',0,'folder','mailbox',1,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:07:03.156904');
INSERT INTO "node" VALUES(10,8,2,'Cabinet EXEMPLE (Exemple SA)','cabinet exemple (exemple sa)',0,'folder','mailbox',2,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(11,3,2,'05 Archives','05 archives',0,'folder','archives',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(12,11,2,'Cabinet ESSAI (SCI Essai)','cabinet essai (sci essai)',0,'folder','archive',1,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(13,12,2,'Bordereaux','bordereaux',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(14,12,2,'Pièces','pièces',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:07:03.156904');
INSERT INTO "node" VALUES(15,12,2,'Dires','dires',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(16,11,2,'Cabinet EXEMPLE (Exemple SA)','cabinet exemple (exemple sa)',0,'folder','archive',2,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(17,16,2,'Bordereaux','bordereaux',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(18,16,2,'Pièces','pièces',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(19,16,2,'Dires','dires',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(20,3,2,'06 Sapiteurs et investigations','06 sapiteurs et investigations',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(21,3,2,'07 Photos et vidéos','07 photos et vidéos',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(22,3,2,'08 Plans','08 plans',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(23,3,2,'09 Pré-rapport','09 pré-rapport',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(24,3,2,'10 Rapport et annexes','10 rapport et annexes',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(25,3,2,'11 Rémunération de l''expert','11 rémunération de l''expert',0,'folder','plain',NULL,1,'published',NULL,NULL,0,'',NULL,'2026-11-25 20:06:56.343385','2026-11-25 20:06:56.343385');
INSERT INTO "node" VALUES(26,14,2,'Pièce n°1 - Constat.pdf','pièce n°1 - constat.pdf',0,'file','plain',NULL,1,'published',3,1,16,'1abccdbc263d52a6666df9f7471564ca513eacbcc7f816154fba167fca26e2ed',1,'2026-11-25 20:07:00.397799','2026-11-25 20:07:00.397799');
INSERT INTO "node" VALUES(27,9,2,'Pièce n°2 - Devis d''œuvre.pdf','pièce n°2 - devis d''œuvre.pdf',0,'file','plain',NULL,1,'published',3,2,14,'64e99bf2fa63e1a81ef12c9145c5014f331d81dff2171ef90ae645df993a30ac',2,'2026-11-25 20:07:00.497821','2026-11-25 20:07:00.497821');
INSERT INTO "node" VALUES(28,7,2,'Note n°1.pdf','note n°1.pdf',0,'file','plain',NULL,1,'published',2,3,13,'a6f95b97a2b8811b9c2789aa8fda4b90bf419f00f18529ac973d0baf33c9d413',NULL,'2026-11-25 20:07:03.213800','2026-11-25 20:07:03.213800');
INSERT INTO "node" VALUES(30,9,2,'inachevé.pdf','inachevé.pdf',0,'file','plain',NULL,1,'received',3,5,17,'4dc40f84dac69711a511cc837b9fbedac38a91a814b4bca65c61f219cb34ed69',NULL,'2026-11-25 20:07:07.516917','2026-11-25 20:07:07.516917');
CREATE TABLE participant (
	dossier_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	role VARCHAR(40) NOT NULL, 
	CONSTRAINT pk_participant PRIMARY KEY (dossier_id, user_id), 
	CONSTRAINT fk_participant_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id) ON DELETE CASCADE, 
	CONSTRAINT fk_participant_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE
);
INSERT INTO "participant" VALUES(1,2,'expert');
INSERT INTO "participant" VALUES(2,2,'expert');
INSERT INTO "participant" VALUES(2,3,'avocat');
INSERT INTO "participant" VALUES(2,4,'avocat');
CREATE TABLE party (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	representation_id INTEGER NOT NULL, 
	name VARCHAR(240) NOT NULL, 
	CONSTRAINT fk_party_representation_id_representation FOREIGN KEY(representation_id) REFERENCES representation (id) ON DELETE CASCADE
);
INSERT INTO "party" VALUES(1,1,'SCI Essai');
INSERT INTO "party" VALUES(2,2,'Exemple SA');
CREATE TABLE platform (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	name VARCHAR(200) NOT NULL, 
	expert_id INTEGER NOT NULL, 
	quota BIGINT NOT NULL, 
	CONSTRAINT fk_platform_expert_id_user FOREIGN KEY(expert_id) REFERENCES user (id), 
	CONSTRAINT uq_platform_expert_id UNIQUE (expert_id), 
	CONSTRAINT uq_platform_name UNIQUE (name)
);
INSERT INTO "platform" VALUES(1,'Apolline TESTARD (apolline.testard)',2,10000000000);
CREATE TABLE recipient (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	message_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	state VARCHAR(40) NOT NULL, 
	attempts INTEGER NOT NULL, 
	retry_at DATETIME NOT NULL, 
	sent_at DATETIME, 
	outcome VARCHAR(400) NOT NULL, 
	CONSTRAINT fk_recipient_message_id_message FOREIGN KEY(message_id) REFERENCES message (id) ON DELETE CASCADE, 
	CONSTRAINT fk_recipient_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE, 
	CONSTRAINT uq_recipient_message_id_user_id UNIQUE (message_id, user_id)
);
INSERT INTO "recipient" VALUES(1,1,2,'a.testard@testard.example','queued',0,'2026-11-25 20:07:03.781590',NULL,'');
INSERT INTO "recipient" VALUES(2,1,3,'contact@essai.example','queued',0,'2026-11-25 20:07:03.781590',NULL,'');
INSERT INTO "recipient" VALUES(3,1,4,'contact@exemple.example','queued',0,'2026-11-25 20:07:03.781590',NULL,'');
INSERT INTO "recipient" VALUES(4,2,2,'a.testard@testard.example','queued',0,'2026-11-25 20:07:04.213800',NULL,'');
INSERT INTO "recipient" VALUES(5,2,3,'contact@essai.example','queued',0,'2026-11-25 20:07:04.213800',NULL,'');
INSERT INTO "recipient" VALUES(6,2,4,'contact@exemple.example','queued',0,'2026-11-25 20:07:04.213800',NULL,'');
CREATE TABLE recipient_line (
	recipient_id INTEGER NOT NULL, 
	line_id INTEGER NOT NULL, 
	CONSTRAINT pk_recipient_line PRIMARY KEY (recipient_id, line_id), 
	CONSTRAINT fk_recipient_line_line_id_message_line FOREIGN KEY(line_id) REFERENCES message_line (id) ON DELETE CASCADE, 
	CONSTRAINT fk_recipient_line_recipient_id_recipient FOREIGN KEY(recipient_id) REFERENCES recipient (id) ON DELETE CASCADE
);
INSERT INTO "recipient_line" VALUES(1,1);
INSERT INTO "recipient_line" VALUES(2,1);
INSERT INTO "recipient_line" VALUES(3,1);
INSERT INTO "recipient_line" VALUES(1,2);
INSERT INTO "recipient_line" VALUES(2,2);
INSERT INTO "recipient_line" VALUES(3,2);
INSERT INTO "recipient_line" VALUES(4,3);
INSERT INTO "recipient_line" VALUES(5,3);
INSERT INTO "recipient_line" VALUES(6,3);
INSERT INTO "recipient_line" VALUES(4,4);
INSERT INTO "recipient_line" VALUES(5,4);
INSERT INTO "recipient_line" VALUES(6,4);
CREATE TABLE representation (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	dossier_id INTEGER NOT NULL, 
	user_id INTEGER NOT NULL, 
	name VARCHAR(240) NOT NULL, 
	CONSTRAINT fk_representation_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id) ON DELETE CASCADE, 
	CONSTRAINT fk_representation_user_id_user FOREIGN KEY(user_id) REFERENCES user (id) ON DELETE CASCADE
);
INSERT INTO "representation" VALUES(1,2,3,'Cabinet ESSAI (SCI Essai)');
INSERT INTO "representation" VALUES(2,2,4,'Cabinet EXEMPLE (Exemple SA)');
CREATE TABLE user (
	id INTEGER NOT NULL PRIMARY KEY AUTOINCREMENT, 
	login VARCHAR(120), 
	kind VARCHAR(40) NOT NULL, 
	dossier_id INTEGER, 
	first_name VARCHAR(120) NOT NULL, 
	last_name VARCHAR(120) NOT NULL, 
	email VARCHAR(254) NOT NULL, 
	password_hash VARCHAR(255) NOT NULL, 
	administrator BOOLEAN NOT NULL, 
	disabled BOOLEAN NOT NULL, 
	created DATETIME NOT NULL, 
	CONSTRAINT fk_user_dossier_id_dossier FOREIGN KEY(dossier_id) REFERENCES dossier (id), 
	CONSTRAINT uq_user_login UNIQUE (login)
);
INSERT INTO "user" VALUES(1,'admin','public',NULL,'Administration','du site','admin@localhost','$argon2id$v=19$m=65536,t=3,p=4$EWKsNea8V4qRktLaGwMg5A$k3n5ZZGMjrjjbksmMRJ6/lhKPYV2Wusfq3mx6Kr8sxg',1,0,'2026-11-25 20:06:55.494522');
INSERT INTO "user" VALUES(2,'apolline.testard','public',NULL,'Apolline','TESTARD','a.testard@testard.example','$argon2id$v=19$m=65536,t=3,p=4$ck5pLSXE+N8bw9hbS2mtVQ$w+SgpXI3erS7pxXmGBGjrvRFsw66e08e6T17GYgNGnU',0,0,'2026-11-25 20:06:55.945660');
INSERT INTO "user" VALUES(3,'cabinet.essai','public',NULL,'Cabinet','ESSAI','contact@essai.example','$argon2id$v=19$m=65536,t=3,p=4$/D9HyPm/19r7vzdGCEEoBQ$+qgIltmEzbJM4PuecSV7cAU5zT/CqwFaEzTcXq9TJ0s',0,0,'2026-11-25 20:06:56.343385');
INSERT INTO "user" VALUES(4,'cabinet.exemple','private',2,'Cabinet','EXEMPLE','contact@exemple.example','$argon2id$v=19$m=65536,t=3,p=4$Tun9v1cqJcTYO0eodW4tpQ$rvxytpGxxN3Yy/wIFER0q/aRtC3CSy38+OX7CA9JQT8',0,0,'2026-11-25 20:06:56.343385');
CREATE INDEX ix_blob_sha256 ON blob (sha256);
CREATE INDEX ix_user_dossier_id ON user (dossier_id);
CREATE INDEX ix_dossier_platform_id ON dossier (platform_id);
CREATE INDEX ix_journal_dossier_id ON journal (dossier_id);
CREATE INDEX ix_message_due_at ON message (due_at);
CREATE INDEX ix_message_open ON message (dossier_id, depositor_id, kind, due_at);
CREATE INDEX ix_participant_user_id ON participant (user_id);
CREATE INDEX ix_representation_dossier_id ON representation (dossier_id);
CREATE INDEX ix_membership_user_id ON membership (user_id);
CREATE INDEX ix_node_blob_id ON node (blob_id);
CREATE INDEX ix_node_unfinished ON node (dossier_id, state);
CREATE INDEX ix_party_representation_id ON party (representation_id);
CREATE INDEX ix_recipient_due ON recipient (state, retry_at);
CREATE INDEX ix_alert_rule_group_id ON alert_rule (group_id);
CREATE INDEX ix_alert_rule_user_id ON alert_rule (user_id);
CREATE INDEX ix_deposit_open ON deposit (sealed_at, rejected_at, touched_at);
CREATE INDEX ix_grant_group_id ON grant (group_id);
CREATE INDEX ix_grant_user_id ON grant (user_id);
CREATE INDEX ix_lock_node_id ON lock (node_id);
CREATE INDEX ix_message_line_message_id ON message_line (message_id);
CREATE INDEX ix_recipient_line_line_id ON recipient_line (line_id);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('alert_rule',1);
INSERT INTO "sqlite_sequence" VALUES('blob',5);
INSERT INTO "sqlite_sequence" VALUES('deposit',3);
INSERT INTO "sqlite_sequence" VALUES('dossier',2);
INSERT INTO "sqlite_sequence" VALUES('grant',8);
INSERT INTO "sqlite_sequence" VALUES('group',1);
INSERT INTO "sqlite_sequence" VALUES('journal',26);
INSERT INTO "sqlite_sequence" VALUES('lock',1);
INSERT INTO "sqlite_sequence" VALUES('message',2);
INSERT INTO "sqlite_sequence" VALUES('message_line',4);
INSERT INTO "sqlite_sequence" VALUES('node',30);
INSERT INTO "sqlite_sequence" VALUES('party',2);
INSERT INTO "sqlite_sequence" VALUES('platform',1);
INSERT INTO "sqlite_sequence" VALUES('recipient',6);
INSERT INTO "sqlite_sequence" VALUES('representation',2);
INSERT INTO "sqlite_sequence" VALUES('user',4);
COMMIT;
