import java.io.File;
import java.math.BigDecimal;
import org.apache.poi.ss.usermodel.Cell;
import org.apache.poi.ss.usermodel.CellType;
import org.apache.poi.ss.usermodel.Row;
import org.apache.poi.ss.usermodel.WorkbookFactory;

/** Prints totals of the first sheet of a workbook with the columns id, price and word: rows, sum of ids, sum of prices, missing prices, letters. */
class ReadBook {
  public static void main(String[] args) throws Exception {
    try (var book = WorkbookFactory.create(new File(args[0]), null, true)) {
      long rows = 0, ids = 0, nulls = 0, letters = 0;
      var prices = BigDecimal.ZERO;
      for (Row row : book.getSheetAt(0)) {
        if (row.getRowNum() == 0) continue;
        rows++;
        ids += (long) row.getCell(0).getNumericCellValue();
        Cell price = row.getCell(1);
        if (price == null) nulls++;
        else if (price.getCellType() == CellType.NUMERIC)
          prices = prices.add(new BigDecimal(Double.toString(price.getNumericCellValue())));
        else prices = prices.add(new BigDecimal(price.getStringCellValue()));
        Cell word = row.getCell(2);
        if (word != null) {
          String text = word.getStringCellValue();
          letters += text.codePointCount(0, text.length());
        }
      }
      System.out.println(rows + " " + ids + " " + prices + " " + nulls + " " + letters);
    }
  }
}
