/*M!999999\- enable the sandbox mode */ 
-- MariaDB dump 10.19  Distrib 10.11.6-MariaDB, for debian-linux-gnu (x86_64)
--
-- Host: localhost    Database: shop; it's a test
-- ------------------------------------------------------
/*!40101 SET @OLD_CHARACTER_SET_CLIENT=@@CHARACTER_SET_CLIENT */;
/*!40014 SET @OLD_FOREIGN_KEY_CHECKS=@@FOREIGN_KEY_CHECKS, FOREIGN_KEY_CHECKS=0 */;

DROP TABLE IF EXISTS `orders`;
/*!40101 SET @saved_cs_client     = @@character_set_client */;
/*!40101 SET character_set_client = utf8 */;
CREATE TABLE `orders` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `customer` int(11) NOT NULL,
  `note` varchar(255) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'it''s; (open' COMMENT 'a;b\'c',
  `total` decimal(10,2) unsigned zerofill DEFAULT NULL,
  `state` enum('new','paid;') NOT NULL DEFAULT 'new',
  `at` timestamp(6) NOT NULL DEFAULT current_timestamp(6) ON UPDATE current_timestamp(6),
  `double_total` decimal(12,2) GENERATED ALWAYS AS (`total` * 2) VIRTUAL,
  PRIMARY KEY (`id`),
  KEY `customer` (`customer`,`note`(10)) USING BTREE COMMENT 'by whom',
  CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`) ON DELETE CASCADE,
  CONSTRAINT `positive` CHECK (`total` >= 0)
) ENGINE=InnoDB AUTO_INCREMENT=7 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci COMMENT='orders; all of them';
/*!40101 SET character_set_client = @saved_cs_client */;

LOCK TABLES `orders` WRITE;
/*!40000 ALTER TABLE `orders` DISABLE KEYS */;
INSERT INTO `orders` (`id`, `customer`, `note`, `total`) VALUES (1,1,'CREATE TABLE `orders` (x int);',0000001.00),(2,1,'\\','3');
/*!40000 ALTER TABLE `orders` ENABLE KEYS */;
UNLOCK TABLES;
/*!50003 SET sql_mode              = 'STRICT_TRANS_TABLES' */ ;
DELIMITER ;;
/*!50003 CREATE*/ /*!50017 DEFINER=`root`@`localhost`*/ /*!50003 TRIGGER audit BEFORE INSERT ON `orders` FOR EACH ROW
BEGIN
  SET NEW.note = 'CREATE TABLE customers (x int);';
  INSERT INTO audit VALUES (NEW.id);
END */;;
DELIMITER ;

DROP TABLE IF EXISTS `customers`;
CREATE TABLE `customers` (
  `id` int(11) NOT NULL AUTO_INCREMENT,
  `name` text DEFAULT NULL,
  PRIMARY KEY (`id`),
  FULLTEXT KEY `name` (`name`)
) ENGINE=InnoDB AUTO_INCREMENT=2 DEFAULT CHARSET=utf8mb4;

/*!50001 CREATE VIEW `open_orders` AS SELECT
 1 AS `id`*/;
DELIMITER ;;
CREATE DEFINER=`root`@`localhost` PROCEDURE `tidy`()
BEGIN
  DROP TABLE customers;
  ALTER TABLE orders DROP COLUMN note;
  CREATE VIEW customers AS SELECT 1;
END ;;
DELIMITER ;
/*!50001 DROP VIEW IF EXISTS `open_orders`*/;
/*!50001 CREATE ALGORITHM=UNDEFINED */
/*!50013 DEFINER=`root`@`localhost` SQL SECURITY DEFINER */
/*!50001 VIEW `open_orders` AS select `orders`.`id` AS `id` from `orders` where `orders`.`state` = 'new' */;
-- Dump completed
CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin */;
CREATE TABLE `order_lines` (
  `id` bigint(20) unsigned NOT NULL AUTO_INCREMENT,
  `order` bigint(20) unsigned NOT NULL,
  `after` bigint(20) unsigned DEFAULT NULL COMMENT 'the line before, 前',
  PRIMARY KEY (`id`),
  KEY `after` (`after`),
  CONSTRAINT `lines_after` FOREIGN KEY (`after`) REFERENCES `order_lines` (`id`),
  CONSTRAINT `lines_order` FOREIGN KEY (`order`) REFERENCES `orders` (`id`)
) ENGINE=InnoDB AUTO_INCREMENT=90 DEFAULT CHARSET=utf8mb4;
