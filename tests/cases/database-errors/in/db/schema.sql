CREATE TABLE `orders` (
  `id` int NOT NULL,
  `customer` int NOT NULL,
  PRIMARY KEY (`id`),
  CONSTRAINT `orders_of_customers_who_have_not_been_forgotten_by_any_of_us` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`),
  CONSTRAINT `from` FOREIGN KEY (`customer`) REFERENCES `users` (`id`)
) ENGINE=InnoDB;
CREATE TABLE `order_lines` (`id` int NOT NULL);
CREATE TABLE `orders_second` (`id` int NOT NULL);
CREATE VIEW `open_orders` AS SELECT * FROM `orders`;
CREATE TABLE `carts` LIKE `orders`;
CREATE TABLE `customers` (`id` int NOT NULL);
ALTER TABLE `customers` ADD PRIMARY KEY (`id`);
CREATE TABLE `users` (`id` int NOT NULL);
