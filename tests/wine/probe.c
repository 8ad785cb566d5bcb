/* Ends as asked: shows that Wine runs programs on this machine. */
#include <stdio.h>

int main(void) {
  puts("Wine runs programs");
  return 0;
}
